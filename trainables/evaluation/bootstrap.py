"""Bootstrap intervals over images, or over the sources that several images were cut from."""

from __future__ import annotations

import math
from collections.abc import Callable
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
    """Percentile interval of `statistic`, which is given the indices, (n,) or about, of a resample of n images.

    `groups`: (n,), the source of each image; whole sources are then drawn, because tiles of one picture say less than
    as many pictures. Resamples whose statistic is NaN (no error among them, say) are left out and seen in `used`.
    Raises `ValueError` where there is nothing to draw.
    """
    if n < 1 or resamples < 1 or not 0 < level < 1:
        raise ValueError(f"{resamples} resamples of {n} images at level {level} can't be drawn")
    if groups is not None and len(groups) != n:
        raise ValueError(f"{len(groups)} groups for {n} images")
    generator = torch.Generator().manual_seed(seed)
    members = None if groups is None else _members(groups)
    values = []
    for _ in range(resamples):
        if members is None:
            drawn = torch.randint(n, (n,), generator=generator)
        else:
            chosen = torch.randint(len(members), (len(members),), generator=generator)
            drawn = torch.cat([members[index] for index in chosen.tolist()])
        value = statistic(drawn)
        if not math.isnan(value):
            values.append(value)
    if len(values) < resamples / 2:
        return Interval(math.nan, math.nan, level, len(values))
    tails = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
    low, high = torch.tensor(values, dtype=torch.float64).quantile(tails).tolist()
    return Interval(low, high, level, len(values))


def _members(groups: Tensor) -> list[Tensor]:
    """The indices of each group's images."""
    order = groups.cpu().argsort(stable=True)
    _, sizes = torch.unique_consecutive(groups.cpu()[order], return_counts=True)
    return list(torch.split(order, sizes.tolist()))
