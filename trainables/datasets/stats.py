"""Facts and figures of a dataset."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from trainables.datasets.dataset import Dataset, Split

CHUNK_ELEMENTS = 1 << 22
"""Pixels converted to float64 at once, per side of a distance matrix (32 MiB)."""


def inter_class_variance(split: Split, per_class: int | None = 500, seed: int = 0) -> float | None:
    """Mean over ordered class pairs of the mean L2 distance between their images on [0, 1] pixels (S3, eq. 8).

    `per_class`: at most this many random images of each class, drawn with `seed`; None takes all of them.
    A distance, whatever its name (methods.md, 1.5). None when fewer than two classes have images.
    """
    generator = torch.Generator().manual_seed(seed)
    members: list[Tensor] = []
    for label in sorted(set(split.labels.tolist())):
        index = (split.labels == label).nonzero().squeeze(1)
        index = index[torch.randperm(len(index), generator=generator)]
        members.append(index if per_class is None else index[:per_class])
    if len(members) < 2:
        return None
    pairs = [(first, second) for k, first in enumerate(members) for second in members[:k]]
    # the distance is symmetric, so unordered pairs have the same mean as the equation's ordered ones
    return sum(_mean_distance(split.images, first, second) for first, second in pairs) / len(pairs)


def _mean_distance(images: Tensor, first: Tensor, second: Tensor) -> float:
    rows = max(1, CHUNK_ELEMENTS // images[0].numel())
    total = 0.0
    for start in range(0, len(first), rows):
        left = _flat(images, first[start : start + rows])
        for other in range(0, len(second), rows):
            right = _flat(images, second[other : other + rows])
            # by matrix product: float64 leaves its cancellation far below what a mean of distances shows
            distances = torch.cdist(left, right, compute_mode="use_mm_for_euclid_dist")
            total += float(distances.sum())
    return total / (len(first) * len(second))


def _flat(images: Tensor, index: Tensor) -> Tensor:
    return images[index].flatten(1).to(torch.float64) / 255


def describe(dataset: Dataset, per_class: int | None = 500, seed: int = 0) -> dict[str, Any]:
    """Plain facts for `saddle data stats`: sizes, shape (C, H, W), images per class, inter-class variance."""
    counts = {
        split: torch.bincount(labels, minlength=len(dataset.classes)).tolist()
        for split, labels in (("train", dataset.train.labels), ("test", dataset.test.labels))
    }
    return {
        "name": dataset.name,
        "classes": len(dataset.classes),
        "class_names": list(dataset.classes),
        "train": len(dataset.train),
        "test": len(dataset.test),
        "train_per_class": counts["train"],
        "test_per_class": counts["test"],
        "shape": list(dataset.shape),
        "masks": dataset.train.masks is not None,
        "inter_class_variance": inter_class_variance(dataset.train, per_class, seed),
        "inter_class_variance_per_class": per_class,
        "fingerprint": dataset.fingerprint,
    }
