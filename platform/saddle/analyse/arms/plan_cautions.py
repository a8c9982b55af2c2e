"""What to be careful about where seeds are, or might be, added after a look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.statistics.sequential.any_time import any_time_critical_t
from saddle.analyse.statistics.t_distribution import critical_t
from saddle.design.registry import design_of
from saddle.study.ablation import Ablation
from saddle.study.history import PlanHistory
from saddle.study.seeds import FIRST_LOOK, MOST_RACED


def plan_cautions(
    ablation: Ablation, history: PlanHistory, effects: Sequence[Effect], spec: ComparisonSpec
) -> Iterator[str]:
    """Why the bound differs, if seeds were added; what adding them would cost, if more are needed."""
    if history.is_extended:
        yield _extended(history, spec)
        return
    wanted = max((effect.n + effect.more_seeds for effect in effects if effect.more_seeds), default=0)
    if wanted > spec.planned:
        yield _price(ablation, spec.planned, wanted)


def _extended(history: PlanHistory, spec: ComparisonSpec) -> str:
    n = max(spec.planned, 4)
    return (
        f"Seeds were added after results could be seen ({history.text}). Adding seeds until a t interval leaves"
        " out zero claims differences too often, so verdict, interval and p hold at any number of seeds at which one"
        f" stops: with {n} seeds |t| must reach {any_time_critical_t(n, spec.alpha):.2f}, where a t test asks for"
        f" {critical_t(n - 1, spec.alpha):.2f}."
    )


def _price(ablation: Ablation, planned: int, wanted: int) -> str:
    caution = (
        "Seeds that are added now come after a look and are judged by a wider bound that allows for it; the stated "
        "numbers of seeds take this into account."
    )
    start = max(planned, FIRST_LOOK)
    most = max(wanted, start + 1)
    if design_of(ablation).crossed or ablation.compare.correction != "holm" or most > MOST_RACED:
        return caution  # a study file that says so would be refused
    declared = f"seeds: {{start: {start}, at_most: {most}}}"
    return f"{caution} A study that declares its looks beforehand, {declared}, needs fewer."
