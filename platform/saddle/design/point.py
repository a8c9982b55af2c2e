"""A point of a design: the level of every factor in one arm, before it is turned into settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from saddle.study.grey_levels import with_grey_levels
from saddle.study.values import readable

Levels = Mapping[str, list[Any]]
"""The levels of every factor, in the order of the study file."""

Standing = Mapping[str, Any]
"""The level of every factor, in the baseline or elsewhere."""


@dataclass(frozen=True)
class Point:
    """What a design says of an arm; `factor` and `level` name the change if it is a single one."""

    name: str
    levels: Standing = field(hash=False)
    factor: str | None = None
    level: Any = field(default=None, hash=False)
    is_baseline: bool = False


def levels_name(levels: Mapping[str, Any]) -> str:
    """`perturbation=mp`, or `perturbation=mp, schedule=flat` for several factors."""
    return ", ".join(f"{factor}={readable(level)}" for factor, level in levels.items())


def shown_name(levels: Mapping[str, Any]) -> str:
    """The same as people read it: `epsilon=1/255`."""
    return with_grey_levels(levels_name(levels))
