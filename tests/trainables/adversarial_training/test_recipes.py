"""What each recipe trains with on each dataset at either scale, and where every value comes from."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from trainables import adversarial_training
from trainables.adversarial_training.recipes import (
    ALEXNET,
    BORROWED,
    FASTAT,
    RECIPES,
    RICE,
    S3_TEXT,
    SCRIPT,
    TRADES,
    UNSTATED,
)
from trainables.adversarial_training.settings.optimisation import OptimisationSettings
from trainables.contract import Resolved, resolve
from trainables.datasets.registry import KNOWN
from trainables.models.sizes import SMALLEST

DATASETS = [name for name, known in KNOWN.items() if known.tasks is not None or known.network is not None]
OWN = {"folder": "mine"}
OF_THE_METHOD = {"alpha_draw", "task_starts", "random_start", "attack_restarts"}
"""What S3's official code settles for its method, on whatever dataset."""


def resolved(dataset: Any, recipe: str | None, scale: str, **given: Any) -> Resolved:
    return resolve(adversarial_training, {"dataset": dataset, **given}, recipe, scale)


def row(of: Resolved, *names: str) -> dict[str, tuple[Any, str, str]]:
    return {name: (getattr(of.config, name), of.sources[name], of.references.get(name, "")) for name in names}


PAPER = ("paper", S3_TEXT)
FAST, RICED, ALEX, TRADED = (("customary", reference) for reference in (FASTAT, RICE, ALEXNET, TRADES))
OPEN, CODE, LENT = ("assumed", UNSTATED), ("official code", SCRIPT), ("assumed", BORROWED)
SIGNS = ("assumed", "as on CIFAR-10, but not mirrored")

FULL: list[tuple[str, str | None, dict[str, tuple[Any, ...]]]] = [
    ("mnist", "official_code", {"optimizer": ("adam", *CODE), "lr": (1e-4, *CODE), "batch_size": (50, *CODE),
                                "epochs": (200, *CODE), "schedule": ("constant", *CODE)}),
    ("mnist", None, {"optimizer": ("adam", *CODE), "lr": (1e-4, *CODE), "epochs": (200, *CODE)}),
    ("mnist", "paper", {"optimizer": ("sgd", *PAPER), "lr": (0.1, *PAPER), "epochs": (200, *PAPER),
                        "batch_size": (50, *CODE), "momentum": (0.0, *OPEN)}),
    ("mnist", "customary", {"optimizer": ("sgd", *TRADED), "lr": (0.01, *TRADED), "momentum": (0.9, *TRADED),
                            "weight_decay": (0.0, *TRADED), "schedule": ("piecewise", *RICED),
                            "weight_average": (0.9995, *FAST), "augmentation": ("none", *TRADED)}),
    ("cifar10", "official_code", {"optimizer": ("adam", *LENT), "lr": (1e-4, *LENT), "batch_size": (50, *LENT)}),
    ("cifar10", "customary", {"optimizer": ("sgd", *FAST), "lr": (0.1, *FAST), "momentum": (0.9, *RICED),
                              "weight_decay": (5e-4, *FAST), "batch_size": (128, *FAST), "epochs": (100, *FAST),
                              "schedule": ("cyclic", *FAST), "augmentation": ("crop_flip", *RICED),
                              "weight_average": (0.9995, *FAST)}),
    ("svhn", "customary", {"lr": (0.01, *RICED), "epochs": (200, *RICED), "schedule": ("piecewise", *RICED),
                           "augmentation": ("none", "assumed", "mirroring changes digits"),
                           "weight_average": (0.9995, *FAST)}),
    ("gtsrb", "customary", {"lr": (0.01, *ALEX), "weight_decay": (5e-4, *ALEX), "batch_size": (128, *ALEX),
                            "epochs": (100, *SIGNS), "augmentation": ("crop", *SIGNS)}),
    ("tiny_imagenet", "customary", {"lr": (0.1, *FAST), "epochs": (100, *FAST), "augmentation": ("crop_flip", *RICED)}),
    ("fashion_mnist", "customary", {"lr": (0.01, "assumed", "as on MNIST"), "augmentation": ("none", "assumed",
                                                                                             "as on MNIST")}),
    *(
        (dataset, recipe, {"optimizer": ("sgd", *PAPER), "lr": (0.1, *PAPER), "epochs": (200, *PAPER),
                           "batch_size": (128, "customary", UNSTATED), "momentum": (0.0, *OPEN),
                           "weight_decay": (0.0, *OPEN), "schedule": ("constant", *OPEN)})
        for dataset in ("cifar10", "svhn", "gtsrb", "tiny_imagenet", "fashion_mnist", "digits")
        for recipe in ("paper", None)
    ),
]  # fmt: skip


@pytest.mark.parametrize(("dataset", "recipe", "expected"), FULL)
def test_every_field_has_its_value_and_source_at_full_scale(
    dataset: str, recipe: str | None, expected: dict[str, tuple[Any, ...]]
) -> None:
    assert row(resolved(dataset, recipe, "full"), *expected) == expected


@pytest.mark.parametrize(("dataset", "recipe"), list(product([*DATASETS, "own"], [*RECIPES, None])))
@pytest.mark.parametrize("scale", ["quick", "full"])
def test_official_code_is_said_of_mnist_alone(dataset: str, recipe: str | None, scale: str) -> None:
    small = {"dataset": OWN if dataset == "own" else dataset}
    if dataset != "own" and min(KNOWN[dataset].facts.shape[1:]) < SMALLEST["alexnet"]:
        small["network"] = "lenet"
    of = resolve(adversarial_training, small, recipe, scale)
    said = {name for name, source in of.sources.items() if source == "official code"} - OF_THE_METHOD
    if dataset != "mnist":
        assert not said
    elif recipe in ("official_code", None) and scale == "full":
        assert {"optimizer", "lr", "batch_size", "epochs", "width"} <= said
    computed = {"compile", "compile_attack", "channels_last"}
    silent = set(OptimisationSettings.model_fields) - computed - {"swa_start"} - set(of.references)
    assert silent <= {"momentum", "weight_average", "lr", "batch_size", "epochs"}, "a recipe says whose its values are"


@pytest.mark.parametrize("dataset", ["mnist", "cifar10", "svhn", "gtsrb", "tiny_imagenet"])
def test_scale_quick_keeps_what_it_was_seen_working_with(dataset: str) -> None:
    """Stored studies of scale quick name no recipe, or the official code; their configurations stay as they were."""
    for recipe in (None, "official_code"):
        of = resolved(dataset, recipe, "quick")
        assert row(of, "optimizer", "momentum", "weight_decay", "schedule", "augmentation", "weight_average") == {
            "optimizer": ("adam", *(CODE if dataset == "mnist" else LENT)),
            "momentum": (0.0, "assumed", ""),
            "weight_decay": (0.0, *(CODE if dataset == "mnist" else LENT)),
            "schedule": ("constant", *(CODE if dataset == "mnist" else LENT)),
            "augmentation": ("none", *(CODE if dataset == "mnist" else LENT)),
            "weight_average": (0.0, "assumed", ""),
        }
        assert of.config.lr >= 2e-3  # type: ignore[attr-defined]
        assert of.sources["lr"] == "assumed"


def test_customary_at_scale_quick_is_the_recipe_in_fewer_epochs() -> None:
    of = resolved("cifar10", "customary", "quick")
    expected = {"lr": (0.1, *FAST), "schedule": ("cyclic", *FAST), "weight_decay": (5e-4, *FAST)}
    assert row(of, *expected) == expected
    assert row(of, "epochs") == {"epochs": (8, "assumed", "")}


def test_a_given_value_has_no_reference() -> None:
    of = resolved("cifar10", "customary", "full", lr=0.05)
    assert (of.sources["lr"], "lr" in of.references) == ("study file", False)
