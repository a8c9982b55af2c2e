"""Everything that `saddle data stats` reports about a dataset, as plain values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch

from trainables.datasets.dataset import Dataset
from trainables.datasets.known_dataset import PART
from trainables.datasets.registry import KNOWN
from trainables.datasets.stats.separation import EPSILON, PER_CLASS, Separation, measure_separation


def describe(
    dataset: Dataset, per_class: int | None = PER_CLASS, seed: int = 0, epsilon: float = EPSILON
) -> dict[str, Any]:
    """Sizes, shape (C, H, W), images per class, and distances between classes in the training split."""
    counts = {
        split: torch.bincount(of.labels, minlength=len(dataset.classes)).tolist()
        for split, of in dataset.splits.items()
    }
    validation = {} if dataset.validation is None else {"validation": len(dataset.validation)}
    separation = measure_separation(dataset.train, per_class, seed, epsilon)
    return {
        "name": dataset.name,
        "classes": len(dataset.classes),
        "class_names": list(dataset.classes),
        "train": len(dataset.train),
        "test": len(dataset.test),
        **validation,
        **{f"{split}_per_class": of for split, of in counts.items()},
        "origins": dict(dataset.origins),
        "remarks": list(dataset.remarks),
        "shape": list(dataset.shape),
        "masks": dataset.train.masks is not None,
        **(_flat(separation) if separation is not None else {"inter_class_variance": None}),
        "published": _published(dataset, separation),
        "fingerprint": dataset.fingerprint,
    }


def _flat(separation: Separation) -> dict[str, Any]:
    return {
        "sample": {"images": separation.images, "per_class": separation.per_class, "seed": separation.seed},
        "inter_class_variance": separation.inter,
        "inter_class_variance_per_root_d": separation.inter_per_root_dimension,
        "intra_class_distance": separation.intra,
        "inter_intra_ratio": separation.ratio,
        "fisher_ratio": separation.fisher,
        "nearest_other_class_l2": _plain(asdict(separation.nearest_l2)),
        "nearest_other_class_linf": _plain(asdict(separation.nearest_linf)),
        "epsilon": separation.epsilon,
        "within_two_epsilon": separation.within_two_epsilon,
    }


def _plain(spread: dict[str, Any]) -> dict[str, Any]:
    return {"n": spread["n"], "mean": spread["mean"], **spread["quantiles"]}


def _published(dataset: Dataset, separation: Separation | None) -> dict[str, Any] | None:
    """The published value, the difference, and why they may not be comparable."""
    known = KNOWN.get(dataset.name.removesuffix(PART))
    published = known.published if known is not None else None
    if published is None or separation is None:
        return None
    differs = []
    if dataset.shape[1:] != (published.size, published.size):
        differs.append(f"the published value fits {published.size}×{published.size}")
    if dataset.name.endswith(PART):
        differs.append("these are a part of the images")
    return {
        "source": "S3, Table 3",
        "value": published.value,
        "difference": separation.inter - published.value,
        "differs": differs,
        "remark": published.remark,
    }
