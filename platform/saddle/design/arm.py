"""An arm is one setting of the factors under ablation; a replicate is an arm with one seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from saddle.study.grey_levels import with_grey_levels
from saddle.study.values import readable, short_hash, slug


@dataclass(frozen=True)
class Arm:
    """One setting of the factors: `settings` are all overrides of the configuration, the baseline's and the change.

    `levels` has the level of every factor; a component's level is `on` or `off`. `factor` and `level` name the change
    if it is a single one; arms of a factorial design have neither.
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
    """An arm with one seed, in one block if there are any; every arm has the same seeds, so that arms are paired.

    `block` has the levels of the blocks' factors, such as `{"dataset": "mnist"}`.
    """

    arm: Arm
    seed: int
    block: Mapping[str, Any] = field(default_factory=dict, hash=False)
    is_unit: bool = False
    """Whether the block is a unit of a relation; such units may differ in other hyperparameters from one another."""

    @property
    def key(self) -> str:
        """The replicate's key in the ledger: `<arm key>-s<seed>`, the block's levels between, if there are blocks."""
        names = [f"-{slug(name)}" if self.is_unit else "" for name in self.block]
        levels = map(_slug_of_level, self.block.values())
        block = "".join(f"{name}-{level}" for name, level in zip(names, levels, strict=True))
        return f"{self.arm.key}{block}-s{self.seed}"


def labels(arms: Sequence[Arm]) -> list[str]:
    """The shortest texts that distinguish the arms: bare levels if one factor varies and they are words, else names.

    Numbers in them that are grey levels are written as such; the names themselves, which keys rest on, stay.
    """
    if len({arm.factor for arm in arms}) == 1 and all(isinstance(arm.level, str) and arm.level for arm in arms):
        return [str(arm.level) for arm in arms]
    return [with_grey_levels(arm.name) for arm in arms]


def _slug_of_level(level: Any) -> str:
    """The level itself where that can be read off its slug; else, as for a dataset's path, with a hash behind it."""
    text = readable(level)
    return text if slug(text) == text else f"{slug(text, 20)}-{short_hash({'level': level})}"
