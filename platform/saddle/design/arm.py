"""An arm is one setting of the factors under ablation; a replicate is an arm with one seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from saddle.design.values import readable, short_hash, slug
from saddle.errors import UserError


class DesignError(UserError, ValueError):
    """An ablation that can't be planned as written; the message says what would be right."""


@dataclass(frozen=True)
class Arm:
    """One setting of the factors: `settings` are all overrides of the configuration, the baseline's and the change.

    `levels` says where every factor stands; a component's level is `on` or `off`. `factor` and `level` name the change
    where it is a single one; arms of a factorial design have neither.
    """

    name: str
    settings: Mapping[str, Any] = field(hash=False)
    factor: str | None = None
    level: Any = field(default=None, hash=False)
    is_baseline: bool = False
    levels: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def key(self) -> str:
        """A filesystem-safe name that changes when, and only when, the name or a setting does."""
        return f"{slug(self.name)}-{short_hash(self.settings)}"


@dataclass(frozen=True)
class Replicate:
    """An arm with one seed, in one block where there are any; every arm has the same seeds, so that arms are paired.

    `block` says where the factors of the blocks stand, such as `{"dataset": "mnist"}`.
    """

    arm: Arm
    seed: int
    block: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def key(self) -> str:
        """The replicate's key in the ledger: `<arm key>-s<seed>`, and the block's name behind it."""
        block = "".join(f"-{slug(readable(level))}" for level in self.block.values())
        return f"{self.arm.key}{block}-s{self.seed}"


def labels(arms: Sequence[Arm]) -> list[str]:
    """The shortest texts that tell arms apart: bare levels where one factor varies and they are words, else names."""
    if len({arm.factor for arm in arms}) == 1 and all(isinstance(arm.level, str) and arm.level for arm in arms):
        return [str(arm.level) for arm in arms]
    return [arm.name for arm in arms]


def replicates(arms: Sequence[Arm], seeds: Iterable[int]) -> list[Replicate]:
    """All replicates, seed by seed, so that an interrupted ablation has complete pairs.

    Raises `DesignError` for a seed given twice: it would count one measurement as two.
    """
    seeds = list(seeds)
    repeated = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if repeated:
        raise DesignError(f"seed {repeated[0]} is given more than once; every seed may be used once per arm")
    return [Replicate(arm, seed) for seed in seeds for arm in arms]


def change(baseline: Mapping[str, Any], levels: Mapping[str, Any]) -> dict[str, Any]:
    """The baseline's settings with some factors at other levels."""
    return {**baseline, **levels}


def name_of(levels: Mapping[str, Any]) -> str:
    """`perturbation=mp`, or `perturbation=mp, schedule=flat` for several factors."""
    return ", ".join(f"{factor}={readable(level)}" for factor, level in levels.items())
