"""What an ablation or relation was planned to be, plan after plan, and whether it was changed after a look."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from saddle.study.models import Study
from saddle.study.relations.relation import plan_changes, plan_digest
from saddle.study.seeds import FIRST_LOOK
from saddle.study.values import same


@dataclass(frozen=True)
class PlanGrowth:
    """How an ablation grew with a plan: keys of arms and names of factors that were added, what is judged otherwise.

    `judged_otherwise` has changes of how arms are compared, such as `ablation.compare.metric: a → b`.
    """

    added: tuple[str, ...] = ()
    later_factors: tuple[str, ...] = ()
    judged_otherwise: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.later_factors or self.judged_otherwise)


NO_GROWTH = PlanGrowth()


@dataclass(frozen=True)
class SeedPlan:
    """The seeds of every arm in their order, and after how many of them the arms are looked at."""

    seeds: tuple[int, ...]
    looks: tuple[int, ...]
    when: float = 0.0
    """Unix seconds; 0 if that is not known."""
    finished: int = 0
    """Trials that had ended when it was made: what could be looked at before."""
    analysis: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What decides on the answer of a relation (`Relation.analysis_plan`); empty for an ablation."""
    growth: PlanGrowth = NO_GROWTH
    """How an ablation grew with it."""

    @property
    def digest(self) -> str:
        """The hash of a relation's analysis plan."""
        return plan_digest(self.analysis)

    @property
    def made(self) -> str:
        """When it was made, in local time."""
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(self.when)) if self.when else "not known"

    def __str__(self) -> str:
        """`8 seeds`, or `at most 20 seeds with 3 looks`."""
        seeds = f"{len(self.seeds)} seed{'s' * (len(self.seeds) != 1)}"
        return seeds if len(self.looks) < 2 else f"at most {seeds} with {len(self.looks)} looks"

    def is_same(self, other: SeedPlan) -> bool:
        """Whether the other says the same, regardless of when it was made."""
        return (self.seeds, self.looks) == (other.seeds, other.looks) and same(self.analysis, other.analysis)


@dataclass(frozen=True)
class PlanHistory:
    """Every plan of a run in the order in which they were made; the first may be the only one."""

    plans: Sequence[SeedPlan] = ()

    @property
    def changes(self) -> Iterator[tuple[SeedPlan, SeedPlan]]:
        """Each plan that took another's place after a look, with the one before it.

        Nothing could be claimed of fewer than `FIRST_LOOK` seeds, so that adding to those spends nothing.
        """
        pairs = ((old, new) for old, new in pairwise(self.plans) if new.finished and _could_claim(old))
        return ((old, new) for old, new in pairs if not new.is_same(old))

    @property
    def analysis_changes(self) -> list[tuple[SeedPlan, list[str]]]:
        """Each plan of a relation that was changed after trials had ended, and what was changed in it."""
        return [(new, plan_changes(old.analysis, new.analysis)) for old, new in self.changes if new.analysis]

    @property
    def later_factors(self) -> tuple[str, ...]:
        """The factors that were added to an ablation, whenever that was."""
        return tuple(factor for plan in self.plans for factor in plan.growth.later_factors)

    @property
    def added_arms(self) -> dict[str, int]:
        """The keys of the arms that were added after a look, each with how many trials had ended by then."""
        added: dict[str, int] = {}
        for plan in self.plans:
            if plan.finished:
                added |= {key: plan.finished for key in plan.growth.added if key not in added}
        return added

    @property
    def judged_otherwise(self) -> list[tuple[SeedPlan, tuple[str, ...]]]:
        """Each plan that changed how an ablation's arms are compared after a look, and what it changed."""
        changed = (plan for plan in self.plans if plan.finished and plan.growth.judged_otherwise)
        return [(plan, plan.growth.judged_otherwise) for plan in changed]

    @property
    def text(self) -> str:
        """The changes after a look: `3 seeds → 5 seeds when 6 trials had ended`; empty if there are none."""
        return "; ".join(
            f"{old} → {new} when {new.finished} trial{'s' * (new.finished != 1)} had ended" for old, new in self.changes
        )

    @property
    def is_extended(self) -> bool:
        """Whether what is planned was changed after results could be seen, and so perhaps because of them."""
        return any(True for _ in self.changes)


UNCHANGED = PlanHistory()
"""Of a study whose plan is the first one."""


def _could_claim(plan: SeedPlan) -> bool:
    return bool(plan.analysis) or len(plan.seeds) >= FIRST_LOOK


def plan_of(study: Study) -> SeedPlan | None:
    """What the file of an ablation or relation plans; None for a search."""
    if study.relation is not None:
        seeds = tuple(study.relation.seed_list)
        return SeedPlan(seeds, (len(seeds),), analysis=study.relation.analysis_plan)
    if study.ablation is not None:
        return SeedPlan(tuple(study.ablation.seed_list), tuple(study.ablation.looks))
    return None
