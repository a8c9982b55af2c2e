"""Which seeds an ablation was planned with, plan after plan, and whether seeds were added after a look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from saddle.study.ablation import Ablation
from saddle.study.seeds import FIRST_LOOK


@dataclass(frozen=True)
class SeedPlan:
    """The seeds of every arm in their order, and after how many of them the arms are looked at."""

    seeds: tuple[int, ...]
    looks: tuple[int, ...]
    when: float = 0.0
    """Unix seconds; 0 where that is not known."""
    finished: int = 0
    """Trials that had ended when it was made: what could be looked at before."""

    def __str__(self) -> str:
        """`8 seeds`, or `at most 20 seeds with 3 looks`."""
        seeds = f"{len(self.seeds)} seed{'s' * (len(self.seeds) != 1)}"
        return seeds if len(self.looks) < 2 else f"at most {seeds} with {len(self.looks)} looks"

    def is_same(self, other: SeedPlan) -> bool:
        """Whether the other says the same, whenever it was made."""
        return (self.seeds, self.looks) == (other.seeds, other.looks)


@dataclass(frozen=True)
class PlanHistory:
    """Every plan of a run in the order in which they were made; the first may be the only one."""

    plans: Sequence[SeedPlan] = ()

    @property
    def changes(self) -> Iterator[tuple[SeedPlan, SeedPlan]]:
        """Each plan that took another's place after a look, with the one before it.

        Nothing could be claimed of fewer than `FIRST_LOOK` seeds, so that whoever adds to those spends nothing.
        """
        looked = ((old, new) for old, new in pairwise(self.plans) if new.finished and len(old.seeds) >= FIRST_LOOK)
        return ((old, new) for old, new in looked if not new.is_same(old))

    @property
    def text(self) -> str:
        """The changes after a look: `3 seeds → 5 seeds when 6 trials had ended`; empty where there are none."""
        return "; ".join(
            f"{old} → {new} when {new.finished} trial{'s' * (new.finished != 1)} had ended" for old, new in self.changes
        )

    @property
    def is_extended(self) -> bool:
        """Whether what is planned was changed after results could be seen, and so perhaps because of them."""
        return any(True for _ in self.changes)


UNCHANGED = PlanHistory()
"""Of a study whose plan is the first one."""


def plan_of(ablation: Ablation) -> SeedPlan:
    """What the ablation's file plans."""
    return SeedPlan(tuple(ablation.seed_list), tuple(ablation.looks))
