"""What a nightly study declares: its arms, the metrics that may not get worse, and how much is trained a night."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from saddle.nightly.decision.night import Replicate
from trainables.contract import Direction

Rule = Literal["exact", "cusum"]
"""`exact` for machines that give the same value for the same seed; `cusum` for those that don't, such as GPUs."""

FEWEST_REFERENCES = 3
FIRST_LOOK = 12
LOOK_STEP = 3


@dataclass(frozen=True)
class Watched:
    """A metric that may not get worse."""

    metric: str
    direction: Direction

    @property
    def sign(self) -> int:
        """1 where larger is better, else -1."""
        return 1 if self.direction == "maximize" else -1


@dataclass(frozen=True)
class Policy:
    """What is trained on a night, and how it is judged.

    `seeds` are those of the pool, in order. `rotation`: how many of them are repeated on a night, or how many fresh
    seeds a night has by the rule `cusum`. `alpha`: the chance that a harmless change is called worse. `monthly`: the
    chance of a false alarm in thirty nights by the rule `cusum`.
    """

    arms: tuple[str, ...]
    watched: tuple[Watched, ...]
    seeds: tuple[int, ...] = tuple(range(30))
    rotation: int = 3
    rule: Rule = "exact"
    alpha: float = 0.01
    monthly: float = 0.05

    def __post_init__(self) -> None:
        if not self.arms or not self.watched:
            raise ValueError("a nightly study needs an arm and a metric that must not get worse")
        if len(set(self.seeds)) != len(self.seeds) or len(self.seeds) < FEWEST_REFERENCES:
            raise ValueError(f"a pool needs at least {FEWEST_REFERENCES} seeds, each once, not {self.seeds}")
        if not 1 <= self.rotation <= len(self.seeds):
            raise ValueError(f"{self.rotation} seeds a night are not between 1 and the {len(self.seeds)} of the pool")

    @cached_property
    def pool(self) -> tuple[Replicate, ...]:
        """Every reference, seed by seed."""
        return self.replicates(self.seeds)

    def replicates(self, seeds: tuple[int, ...]) -> tuple[Replicate, ...]:
        """Every arm with these seeds."""
        return tuple(Replicate(arm, seed) for seed in seeds for arm in self.arms)

    @cached_property
    def looks(self) -> tuple[int, ...]:
        """After how many seeds a change is judged: 12, 15, … and all; a pool below 12 has a single look."""
        return (*range(FIRST_LOOK, len(self.seeds), LOOK_STEP), len(self.seeds))

    @property
    def comparisons(self) -> int:
        """How many are judged together."""
        return len(self.arms) * len(self.watched)
