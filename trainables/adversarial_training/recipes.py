"""How a network is optimised on a dataset, by recipe: every value with its source. Imports no torch.

`official_code` is S3's published script, which trains MNIST alone; `paper` is what S3 states for all of its datasets;
`customary` is what the literature trains robust networks with, and what reaching S3's baselines takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainables.contract import Default
from trainables.datasets.registry import KNOWN
from trainables.provenance import Source

RECIPES = ("official_code", "paper", "customary")

MNIST = "mnist"
"""The only dataset that S3's official code trains on."""
SCRIPT = "S3's official MNIST script"
BORROWED = "as S3's official MNIST script, which is for MNIST alone"
S3_TEXT = "S3, section 4: one optimizer, rate and number of epochs for all datasets"
UNSTATED = "S3 states none"
FASTAT = "FastAT Benchmark (Pan and Yao, 2026)"
RICE = "Rice et al. (2020)"
TRADES = "TRADES (Zhang et al., 2019)"
ALEXNET = "Krizhevsky et al. (2012), for AlexNet"

VARIED = ("lr", "weight_decay", "batch_size", "epochs", "schedule", "augmentation", "weight_average")
"""The fields in which the customary values of datasets differ."""

SMALL = 32
"""The most pixels a side of grey images that are trained on as MNIST's."""


@dataclass(frozen=True)
class Customary:
    """The values of SGD with momentum on one dataset, and their source.

    `differing`: the fields whose values are not from `reference`, each with its source.
    """

    reference: str
    source: Source = "customary"
    lr: float = 0.1
    weight_decay: float = 5e-4
    batch_size: int = 128
    epochs: int = 100
    schedule: str = "cyclic"
    augmentation: str = "crop_flip"
    weight_average: float = 0.9995
    differing: Mapping[str, tuple[Source, str]] | None = None

    def defaults(self) -> dict[str, Default]:
        """Every field with its value, source and reference."""
        values: dict[str, Any] = {"optimizer": "sgd", "momentum": 0.9} | {name: getattr(self, name) for name in VARIED}
        return {
            name: Default(value, *(self.differing or {}).get(name, (self.source, self.reference)))
            for name, value in values.items()
        }


AVERAGED: Mapping[str, tuple[Source, str]] = {"weight_average": ("customary", FASTAT)}
AS_USUAL: Mapping[str, tuple[Source, str]] = dict.fromkeys(("momentum", "augmentation"), ("customary", RICE))
"""What the benchmark's description leaves open and is common practice."""

CUSTOMARY: Mapping[str, Customary] = {
    "cifar10": Customary(FASTAT, differing=AS_USUAL),
    "tiny_imagenet": Customary(FASTAT, differing=AS_USUAL),
    "svhn": Customary(
        RICE,
        lr=0.01,
        epochs=200,
        schedule="piecewise",
        augmentation="none",
        differing={**AVERAGED, "augmentation": ("assumed", "mirroring changes digits")},
    ),
    "gtsrb": Customary(
        ALEXNET,
        lr=0.01,
        augmentation="crop",  # a mirrored sign is another one
        differing={
            **AVERAGED,
            **dict.fromkeys(("epochs", "schedule", "augmentation"), ("assumed", "as on CIFAR-10, but not mirrored")),
        },
    ),
    "mnist": Customary(
        TRADES,
        lr=0.01,
        weight_decay=0.0,
        schedule="piecewise",
        augmentation="none",
        differing={**AVERAGED, "schedule": ("customary", RICE)},
    ),
}
"""By dataset; for others the values are assumed, from the one whose images are most similar (see `customary_of`)."""


def recipe_of(recipe: str | None, dataset: str | None, *, full: bool) -> str:
    """The recipe's name; where none is named, the official code on MNIST and at scale quick, else the paper's."""
    return recipe or ("official_code" if dataset == MNIST or not full else "paper")


def recipe_defaults(recipe: str, dataset: str | None, given: Mapping[str, Any]) -> dict[str, Default]:
    """The fields of the optimisation for a dataset by its known name; None is one's own. A given optimizer moves lr."""
    values = {"official_code": _official_code, "paper": _paper, "customary": _customary}[recipe](dataset)
    optimizer = given.get("optimizer", values["optimizer"].value)
    if optimizer != values["optimizer"].value:
        values["lr"] = _paper(dataset)["lr"] if optimizer == "sgd" else _official_code(dataset)["lr"]
    return values


def customary_of(dataset: str | None) -> Customary:
    """The customary values on a dataset, or those of CIFAR-10 or MNIST as assumed ones."""
    if dataset is not None and dataset in CUSTOMARY:
        return CUSTOMARY[dataset]
    shape = KNOWN[dataset].facts.shape if dataset is not None else None
    if shape is not None and shape[0] == 1 and max(shape[1:]) <= SMALL:
        return _assumed_as("mnist", "MNIST")
    return _assumed_as("cifar10", "CIFAR-10, but not mirrored", augmentation="crop")


def _assumed_as(dataset: str, title: str, **changed: Any) -> Customary:
    like = CUSTOMARY[dataset]
    values = {name: getattr(like, name) for name in VARIED} | changed
    return Customary(f"as on {title}", "assumed", **values)


def _official_code(dataset: str | None) -> dict[str, Default]:
    source: tuple[Source, str] = ("official code", SCRIPT) if dataset == MNIST else ("assumed", BORROWED)
    values = {
        "optimizer": "adam",
        "lr": 1e-4,
        "weight_decay": 0.0,
        "batch_size": 50,
        "epochs": 200,
        "schedule": "constant",
        "augmentation": "none",
        "task_reduction": "mean",
    }
    return {name: Default(value, *source) for name, value in values.items()}


def _paper(dataset: str | None) -> dict[str, Default]:
    batch = Default(50, "official code", SCRIPT) if dataset == MNIST else Default(128, "customary", UNSTATED)
    return {
        "optimizer": Default("sgd", "paper", S3_TEXT),
        "lr": Default(0.1, "paper", S3_TEXT),
        "epochs": Default(200, "paper", S3_TEXT),
        "task_reduction": Default("sum", "paper", "S3, eq. 4 to 6"),
        "batch_size": batch,
        "momentum": Default(0.0, "assumed", UNSTATED),
        "weight_decay": Default(0.0, "assumed", UNSTATED),
        "schedule": Default("constant", "assumed", UNSTATED),
        "augmentation": Default("none", "assumed", UNSTATED),
    }


def _customary(dataset: str | None) -> dict[str, Default]:
    return customary_of(dataset).defaults() | {
        "task_reduction": Default("mean", "customary", "auxiliary tasks don't change the scale of the gradient")
    }
