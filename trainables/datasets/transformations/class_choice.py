"""Which classes of a dataset are near each other, or far apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from trainables.datasets.dataset import Split
from trainables.datasets.stats.distances import mean_distances, measure_pairs
from trainables.datasets.stats.sample import draw

SAMPLE = 2_000
"""Images for the distances between classes, at most; at least `LEAST` of each class."""
PER_CLASS, LEAST = 100, 10
SEED = 0
NO_GAIN = 1e-9


@dataclass(frozen=True)
class ClassChoice:
    """The chosen labels, in their order, their mean distance to each other, and that of all classes."""

    labels: tuple[int, ...]
    distance: float
    of_all: float


def choose_classes(split: Split, count: int, distance: Literal["low", "high"]) -> ClassChoice:
    """The `count` classes with the least or greatest mean distance to each other (S3, eq. 8), of those with images.

    The set is grown from every class by the best next class, and its members are exchanged as long as that helps:
    no exchange of one class improves it. Deterministic. Raises `ValueError` if there are fewer classes.
    """
    present = sorted(set(split.labels.tolist()))
    if not 2 <= count <= len(present):
        raise ValueError(f"{count} of {len(present)} classes can't be chosen")
    sample = draw(split, min(PER_CLASS, max(LEAST, SAMPLE // len(present))), SEED)
    distances = mean_distances(sample, measure_pairs(sample)).fill_diagonal_(0)
    costs = distances if distance == "low" else -distances
    candidates = [_exchanged(costs, _grown(costs, first, count)) for first in range(len(present))]
    best = min(candidates, key=lambda chosen: (round(_total(costs, chosen), 9), chosen))
    return ClassChoice(
        tuple(present[index] for index in best),
        _total(distances, best) / (count * (count - 1)),
        float(distances.sum()) / (len(present) * (len(present) - 1)),
    )


def _grown(costs: Tensor, first: int, count: int) -> list[int]:
    chosen = [first]
    while len(chosen) < count:
        added = costs[chosen].sum(0)
        added[chosen] = torch.inf
        chosen.append(int(added.argmin()))
    return sorted(chosen)


def _exchanged(costs: Tensor, chosen: list[int]) -> list[int]:
    """The set after the best exchanges of one member each, as long as there is a gain."""
    while True:
        gain, leaves, enters = max(_exchange(costs, chosen, index) for index in chosen)
        if gain <= NO_GAIN:
            return chosen
        chosen = sorted({*chosen, enters} - {leaves})


def _exchange(costs: Tensor, chosen: list[int], leaves: int) -> tuple[float, int, int]:
    """The best exchange of a member: the gain, the member, and the class that replaces it."""
    rest = [index for index in chosen if index != leaves]
    added = costs[rest].sum(0)
    present = float(added[leaves])
    added[chosen] = torch.inf
    enters = int(added.argmin())
    return present - float(added[enters]), leaves, enters


def _total(costs: Tensor, chosen: list[int]) -> float:
    return float(costs[chosen][:, chosen].sum())
