"""Bootstrap intervals over images, or over the sources that several images were cut from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

RESAMPLES = 1000
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A percentile interval; `used` of the resamples gave a number, and with too few of them it is NaN to NaN."""

    low: float
    high: float
    level: float
    used: int


def bootstrap_interval(
    statistic: Callable[[Tensor], float],
    n: int,
    *,
    groups: Tensor | None = None,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Interval:
    """Percentile interval of `statistic`, which takes the indices, (n,) or about, of a resample of n images.

    `groups`: (n,), the source of each image; whole sources are then drawn, because tiles of one picture tell less than
    as many pictures. Resamples whose statistic is NaN (as without any error) are left out and not counted in `used`.
    Raises `ValueError` if there is nothing to draw.
    """
    _require(n, groups, resamples, level)
    values = [statistic(drawn) for drawn in _resamples(n, groups, resamples, seed)]
    return _percentiles(torch.tensor(values, dtype=torch.float64), level)


@dataclass(frozen=True)
class Resamples:
    """How often each of n images is in each of R resamples, (R, n) float64, for scores that follow from counts."""

    counts: Tensor

    @classmethod
    def draw(cls, n: int, groups: Tensor | None = None, resamples: int = RESAMPLES, seed: int = 0) -> Resamples:
        """The same resamples as `bootstrap_interval`; raises `ValueError` in the same cases."""
        _require(n, groups, resamples, LEVEL)
        return cls(
            torch.stack([drawn.bincount(minlength=n) for drawn in _resamples(n, groups, resamples, seed)]).double()
        )

    def f1_interval(self, predicted: Tensor, labels: Tensor, level: float = LEVEL) -> Interval:
        """The interval of the F1 of class 1, of predicted classes and labels (n,) of 0 and 1.

        As elsewhere F1 is 0 if no image is positive and none is predicted as positive.
        """
        hits = ((predicted == 1) & (labels == 1)).double()
        either = (predicted == 1).double() + (labels == 1).double()
        return _percentiles(2 * (self.counts @ hits) / (self.counts @ either).clamp(min=1), level)


def _require(n: int, groups: Tensor | None, resamples: int, level: float) -> None:
    if n < 1 or resamples < 1 or not 0 < level < 1:
        raise ValueError(f"{resamples} resamples of {n} images at level {level} can't be drawn")
    if groups is not None and len(groups) != n:
        raise ValueError(f"{len(groups)} groups for {n} images")


def _resamples(n: int, groups: Tensor | None, resamples: int, seed: int) -> Iterator[Tensor]:
    """The indices of each resample."""
    generator = torch.Generator().manual_seed(seed)
    members = None if groups is None else _members(groups)
    for _ in range(resamples):
        if members is None:
            yield torch.randint(n, (n,), generator=generator)
        else:
            chosen = torch.randint(len(members), (len(members),), generator=generator)
            yield torch.cat([members[index] for index in chosen.tolist()])


def _percentiles(values: Tensor, level: float) -> Interval:
    """The interval of those values (R,) that aren't NaN."""
    numbers = values[~values.isnan()]
    if len(numbers) < len(values) / 2:
        return Interval(math.nan, math.nan, level, len(numbers))
    tails = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
    low, high = numbers.quantile(tails).tolist()
    return Interval(low, high, level, len(numbers))


def _members(groups: Tensor) -> list[Tensor]:
    """The indices of each group's images."""
    order = groups.cpu().argsort(stable=True)
    _, sizes = torch.unique_consecutive(groups.cpu()[order], return_counts=True)
    return list(torch.split(order, sizes.tolist()))
