"""The constraints of the search that an ablation is built on, checked for its arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.paired_values import measure
from saddle.analyse.text.formatting import Scale, plural
from saddle.design import Arm, labels
from saddle.design.blocks import block_list
from saddle.study.ablation import Ablation
from saddle.study.models import Constraint
from saddle.study.trainable.declarations import Declarations
from saddle.trial.record import TrialRecord


def broken_constraints(
    ablation: Ablation,
    arms: Sequence[Arm],
    entries: Sequence[TrialRecord],
    declared: Declarations,
    constraints: Sequence[Constraint],
) -> dict[str, list[str]]:
    """By the arm's displayed name, a clause for each constraint that its mean over seeds breaks.

    An arm without a value of the constrained metric at any seed counts as breaking nothing.
    """
    broken: dict[str, list[str]] = {}
    blocks = block_list(ablation.blocks)
    for arm, name in zip(arms, labels(arms), strict=True):
        for constraint in constraints:
            values = [*measure(entries, arm, constraint.metric, ablation.seed_list, name, blocks).values.values()]
            if values and constraint.violation(fmean(values)) > 0:
                scale = Scale.of(declared.metric(constraint.metric))
                broken.setdefault(name, []).append(
                    f"it breaks {constraint} of the search that it is built on"
                    f" ({scale.value(fmean(values))} over {plural(len(values), 'seed')})"
                )
    return broken


def with_broken(effects: Sequence[Effect], broken: Mapping[str, Sequence[str]]) -> tuple[Effect, ...]:
    """The effects of single arms with what they break."""
    return tuple(
        replace(effect, reservations=(*effect.reservations, *broken.get(effect.arm, ())))
        if effect.kind == "arm"
        else effect
        for effect in effects
    )


def broken_by_baseline(arms: Sequence[Arm], broken: Mapping[str, Sequence[str]]) -> list[str]:
    """What the baseline breaks, as sentences: no effect reports it."""
    names = [name for arm, name in zip(arms, labels(arms), strict=True) if arm.is_baseline]
    return [f"The baseline {name}: {clause}." for name in names for clause in broken.get(name, ())]
