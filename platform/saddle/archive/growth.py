"""What a changed file means for a stored study: which arms are new, what is judged otherwise, and what is refused.

What follows from stored trials is analysed again, what is new is trained. Changes of what a stored trial was are
refused: of its base configuration, a level's value, the design that its arm is part of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saddle.analyse.text.formatting import listed
from saddle.design import Arm, design_of, labels
from saddle.design.blocks import block_list, settings_of
from saddle.design.study_arms import arms_of_study, later_settings
from saddle.errors import DesignError
from saddle.study.ablation import Ablation
from saddle.study.changes import Change
from saddle.study.history import PlanGrowth, PlanHistory
from saddle.study.models import Study
from saddle.study.trainable.loading import load_trainable
from saddle.study.values import readable, same
from saddle.studyfile.dump import differences_under, refused_differences

MOST_NAMED = 3
"""Settings that are named of an arm that would change."""
OF_LOOKS = "looks have ended arms by it; a further metric can be described, with compare: {also: [METRIC]}"


@dataclass(frozen=True)
class Growth:
    """What a changed file adds to a stored study, and which changes are refused, each with what is possible instead.

    `arms` are those of the changed file; the ones that were run keep their names and settings.
    """

    arms: Sequence[Arm] = ()
    added: Sequence[Arm] = ()
    later_factors: tuple[str, ...] = ()
    judged_otherwise: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def of_plan(self) -> PlanGrowth:
        """The part that the log of plans stores."""
        return PlanGrowth(tuple(arm.key for arm in self.added), self.later_factors, self.judged_otherwise)


def find_growth(run: Study, changed: Study, baseline: Mapping[str, Any] | None, history: PlanHistory) -> Growth:
    """What the `changed` study means for one that was `run` around a settled `baseline`."""
    if run.ablation is None or changed.ablation is None:
        return Growth(refused=tuple(refused_differences(run, changed)))
    refused = refused_differences(run, changed, but=(Change.BY_ARMS, Change.JUDGED))
    judged = differences_under(Change.JUDGED, run, changed)
    if judged and run.ablation.spending is not None:
        refused += [f"{change}; {OF_LOOKS}" for change in judged]
    arms = arms_of_study(run, baseline, history.later_factors)
    if not differences_under(Change.BY_ARMS, run, changed):
        return Growth(arms, judged_otherwise=tuple(judged), refused=tuple(refused))
    later = tuple(factor for factor in changed.ablation.factors if factor not in run.ablation.factors)
    against = list(_refused_factors(run.ablation, changed.ablation, later))
    if against:
        return Growth(arms, refused=(*refused, *against))
    every_later = (*history.later_factors, *later)
    try:
        grown = arms_of_study(changed, baseline, every_later)
        refused += _refused_arms(run, changed, baseline or {}, arms, grown, every_later)
    except DesignError as error:
        return Growth(arms, refused=(*refused, f"ablation.factors: {error}"))
    run_keys = {arm.key for arm in arms}
    added = [arm for arm in grown if arm.key not in run_keys]
    return Growth(grown, added, later, tuple(judged), tuple(refused))


def _refused_factors(run: Ablation, changed: Ablation, later: Sequence[str]) -> Iterator[str]:
    """Objections to the factors of the changed file; `later` are those that the run doesn't have."""
    removed = [name for name in run.factors if name not in changed.factors]
    if removed:
        yield f"ablation.factors: {listed(removed)} taken away; what was run stays, and levels and factors may be added"
    if later and design_of(changed).crossed:
        yield (
            f"ablation.factors: {listed(later)} added to a {changed.design.name} design, whose effects are means over "
            "the levels of every other factor; levels may be added, a new factor needs another study"
        )


def _refused_arms(
    run: Study,
    changed: Study,
    baseline: Mapping[str, Any],
    arms: Sequence[Arm],
    grown: Sequence[Arm],
    later: Sequence[str],
) -> Iterator[str]:
    """Objections to the arms of the changed file, in which those that were run must be unchanged."""
    assert run.ablation is not None
    assert changed.ablation is not None
    if run.ablation.spending is not None and len(grown) > len(arms):
        yield (
            "ablation.factors: arms added to an ablation with looks, whose level was spent over the arms that it "
            "had; run them in another study"
        )
    yield from _changed_baseline(run.ablation, changed.ablation, baseline)
    yield from _changed_arms(arms, grown)
    if later or changed.ablation.baseline.keys() - baseline.keys():
        yield from _unlike_standing(changed, arms, later_settings(changed, baseline, later))


def _changed_baseline(run: Ablation, changed: Ablation, baseline: Mapping[str, Any]) -> Iterator[str]:
    """Settings of the baseline that differ, or are no longer stated."""
    for name in dict.fromkeys([*run.baseline, *changed.baseline]):
        if name not in baseline:
            continue  # judged by the settings that result from it
        before, after = baseline[name], changed.baseline.get(name, run.baseline.get(name))
        left_out = name in run.baseline and name not in changed.baseline
        if left_out or not same(before, after):
            replacement = "not set" if left_out else readable(after)
            yield (
                f"ablation.baseline.{name}: {readable(before)} → {replacement}; every arm was run around it: leave it,"
                f" and compare other values as levels of {name}"
            )


def _changed_arms(arms: Sequence[Arm], grown: Sequence[Arm]) -> Iterator[str]:
    """Arms that were run and are gone, or differ under the same name; a baseline that would no longer be one."""
    keys, names = {arm.key: arm for arm in grown}, {arm.name: arm for arm in grown}
    for arm, label in zip(arms, labels(arms), strict=True):
        if arm.key in keys:
            if arm.is_baseline != keys[arm.key].is_baseline:
                yield f"ablation.factors: {label} was the baseline of every comparison and must stay so"
        elif arm.name in names:
            yield (
                f"arm {label} would become a different arm ({_differing(arm, names[arm.name])}); leave it as it was "
                "run, and add the new setting as another level"
            )
        else:
            where = f"keep {arm.factor}: {readable(arm.level)} among the levels" if arm.factor else "keep its levels"
            yield (
                f"arm {label} would be gone; arms that were run stay in the family of comparisons: {where}, and add "
                "others"
            )


def _differing(arm: Arm, other: Arm) -> str:
    names = dict.fromkeys([*arm.settings, *other.settings])
    changed = [
        f"{name}: {_setting_text(arm, name)} → {_setting_text(other, name)}"
        for name in names
        if _setting_text(arm, name) != _setting_text(other, name)
    ]
    more = [f"{len(changed) - MOST_NAMED} more"] if len(changed) > MOST_NAMED else []
    return "; ".join([*changed[:MOST_NAMED], *more])


def _setting_text(arm: Arm, name: str) -> str:
    return readable(arm.settings[name]) if name in arm.settings else "not set"


def _unlike_standing(study: Study, arms: Sequence[Arm], stated: Mapping[str, Any]) -> Iterator[str]:
    """Settings in which arms that were run would differ from what the changed file assumes."""
    assert study.ablation is not None
    trainable = load_trainable(study.source)
    unlike: dict[str, dict[str, str]] = {}
    for block in block_list(study.ablation.blocks):
        for arm, label in zip(arms, labels(arms), strict=True):
            own = {**study.settings, **arm.settings, **settings_of(block)}
            was = trainable.complete(own, study.recipe, study.scale)
            now = trainable.complete({**stated, **own}, study.recipe, study.scale)
            for name in now:
                if not same(was.get(name), now[name]):
                    unlike.setdefault(name, {})[label] = readable(was.get(name))
    for name, values in unlike.items():
        was = dict.fromkeys(values.values())
        right = (
            f"write {next(iter(was))} first among its levels, or into baseline"
            if len(was) == 1
            else "no single level is that of all of them, so vary it in another study"
        )
        yield (
            f"ablation.factors: arms would have {name} = {readable(stated.get(name))}, and {listed(values)} "
            f"{'was' if len(values) == 1 else 'were'} run with {listed(was)}; {right}"
        )
