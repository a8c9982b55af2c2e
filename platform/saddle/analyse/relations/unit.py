"""The points of a relation: what is known of each, and what was estimated from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OUTSIDE_FAMILIES = "datasets"
"""The family of units that belong to no designed one."""


@dataclass(frozen=True)
class Unit:
    """One point of the relation, such as a dataset at one image size.

    `predictors` has no entry for a predictor that is not known for the unit. `gains` are paired differences on the
    declared scale, one for each seed of which neither arm failed; `failed` counts the others.
    """

    name: str
    family: str
    predictors: Mapping[str, float]
    gains: tuple[float, ...]
    failed: int = 0


@dataclass(frozen=True)
class UnitEstimate:
    """A unit as the regression uses it.

    `y` is the mean gain, `s2` the variance of that mean with the seeds' variance shrunk to the pooled one, `weight`
    the unit's share of all weights (NaN if nothing was fitted), `low` to `high` the interval of the mean alone at
    level 1 - alpha (None if no unit has two seeds).
    """

    name: str
    family: str
    x: float
    y: float
    s2: float
    weight: float
    low: float | None
    high: float | None
    seeds: int
    failed: int


@dataclass(frozen=True)
class DroppedUnit:
    """A unit that takes no part, and the reason as a clause that follows its name: `all 5 seeds failed`."""

    name: str
    family: str
    why: str
