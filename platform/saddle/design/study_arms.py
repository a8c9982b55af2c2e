"""The arms of a study; those that an ablation had before it grew stay unchanged.

Every arm states every factor, so with a factor more all arms would have other settings, and their trials other keys.
In an ablation that grew, the arms of its first factors are as these made them; a later factor, or what a later file
says of the baseline, is stated only by the arms that vary it, since the others don't change it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from saddle.design.arm import Arm
from saddle.design.arms import make_arms
from saddle.design.relation_design import relation_arms
from saddle.study.ablation import Ablation
from saddle.study.models import Study
from saddle.study.values import same


def arms_of_study(study: Study, baseline: Mapping[str, Any] | None, later: Collection[str] = ()) -> list[Arm]:
    """An ablation's arms around its settled baseline, the two of a relation; none for a search.

    `later` are the factors that were added to an ablation after its first trials. Raises `DesignError`.
    """
    if study.relation is not None:
        return relation_arms(study.relation)
    return [] if study.ablation is None else grown_arms(study, baseline or {}, later)


def grown_arms(study: Study, baseline: Mapping[str, Any], later: Collection[str] = ()) -> list[Arm]:
    """The arms around a settled `baseline`, where the factors called `later` were added to it; raises `DesignError`."""
    ablation = _ablation(study)
    later = [factor for factor in later if factor in ablation.factors]
    stated = {**ablation.baseline, **baseline}
    if not later and len(stated) == len(baseline):
        return make_arms(ablation, baseline, study.settings)
    first = _first_arms(study, baseline, later)
    grown = make_arms(ablation, stated, study.settings)
    return [_as_it_was(arm, first, later, grown[0]) for arm in grown]


def later_settings(study: Study, baseline: Mapping[str, Any], later: Collection[str]) -> dict[str, Any]:
    """What a later factor or a later baseline states of every arm that doesn't vary it."""
    ablation = _ablation(study)
    stated = {**ablation.baseline, **baseline}
    grown = make_arms(ablation, stated, study.settings)
    first = _first_arms(study, baseline, later)
    return {name: value for name, value in grown[0].settings.items() if name not in first[0].settings}


def _first_arms(study: Study, baseline: Mapping[str, Any], later: Collection[str]) -> list[Arm]:
    """The arms of the factors that there were first."""
    ablation = _ablation(study)
    factors = {name: levels for name, levels in ablation.factors.items() if name not in later}
    exclude = [combination for combination in ablation.exclude if not combination.keys() & set(later)]
    first = ablation.model_copy(update={"factors": factors, "exclude": exclude})
    return make_arms(first, baseline, study.settings)


def _as_it_was(arm: Arm, first: list[Arm], later: Collection[str], standing: Arm) -> Arm:
    """The arm with the name and settings of the same one among the first; a new one without what it leaves alone."""
    if all(same(arm.levels[factor], standing.levels[factor]) for factor in later):
        for first_arm in first:
            if all(same(arm.levels[factor], level) for factor, level in first_arm.levels.items()):
                return replace(arm, name=first_arm.name, settings=first_arm.settings)
    settings = {
        name: value
        for name, value in arm.settings.items()
        if name in first[0].settings or not same(value, standing.settings.get(name))
    }
    return replace(arm, settings=settings)


def _ablation(study: Study) -> Ablation:
    assert study.ablation is not None
    return study.ablation
