"""Arms that were added to an ablation after results could be seen: they are marked, and their cost is stated.

An added arm is compared in one family with all others, so Holm's method holds at each look by itself. Over several
looks it does not: adding arms until one is claimed gives more than one chance. With a family of m, of which n were
added, a wrong claim that was not made before is one of an added arm. While a true null hypothesis of an earlier arm
stands, the n added are claimed with a chance of at most n/(n + 1) · α; if none stands, no earlier claim was wrong.
So an ablation that grew makes a wrong claim at any look with a chance of at most α · (1 + Σ n/(n + 1)).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.text.formatting import listed, plural
from saddle.design import Arm, labels
from saddle.study.history import PlanHistory


def with_added(effects: Sequence[Effect], arms: Sequence[Arm], history: PlanHistory) -> tuple[Effect, ...]:
    """The effects; those of arms that were added after a look state how many trials had ended by then."""
    added = added_labels(arms, history)
    return tuple(
        replace(effect, added_after=added[effect.arm]) if effect.kind == "arm" and effect.arm in added else effect
        for effect in effects
    )


def added_labels(arms: Sequence[Arm], history: PlanHistory) -> dict[str, int]:
    """The displayed names of arms that were added after a look, with how many trials had ended by then."""
    added = history.added_arms
    return {label: added[arm.key] for label, arm in zip(labels(arms), arms, strict=True) if arm.key in added}


def growth_bound(history: PlanHistory, alpha: float) -> float:
    """The chance of a wrong claim at any of the looks, at most (see above)."""
    sizes = [len(plan.growth.added) for plan in history.plans if plan.finished and plan.growth.added]
    return min(1.0, alpha * (1 + sum(size / (size + 1) for size in sizes)))


def growth_cautions(
    effects: Sequence[Effect], arms: Sequence[Arm], history: PlanHistory, spec: ComparisonSpec
) -> Iterator[str]:
    """What was added or judged otherwise after results could be seen, a sentence each."""
    by_time: dict[int, list[str]] = {}
    for name, finished in added_labels(arms, history).items():
        by_time.setdefault(finished, []).append(name)
    if by_time:
        when = listed(f"{listed(names)} when {plural(count, 'trial')} had ended" for count, names in by_time.items())
        alpha = 100 * spec.alpha
        family = sum(effect.kind == "arm" for effect in effects)
        sentence = f"Arms were added after results could be seen ({when})."
        if family:
            chance = f"up to {100 * growth_bound(history, spec.alpha):.3g} %, not {alpha:.3g} %"
            if spec.correction != "holm":
                chance = f"more than {alpha:.3g} %"
            yield (
                f"{sentence} The level is shared among all {plural(family, 'comparison')}, earlier and later ones;"
                f" adding arms until one is claimed makes a wrong claim with a probability of {chance}."
            )
        else:
            yield f"{sentence} Effects are averaged over them as well, and all are judged as one family."
    for plan, changes in history.judged_otherwise:
        yield (
            f"How arms are compared was changed when {plural(plan.finished, 'trial')} had ended, and results could be "
            f"seen ({'; '.join(change.removeprefix('ablation.') for change in changes)}): choosing a metric or margin "
            "by its results makes wrong claims more often than the level says."
        )
