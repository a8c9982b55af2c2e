"""A relation's parts against the trainable: gain, units and predictors."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from saddle.design.relation_design import relation_arms, unit_blocks
from saddle.errors import DesignError
from saddle.study.nearest import nearest
from saddle.study.relations.relation import Relation
from saddle.study.relations.unit_predictors import metric_of, why_refused
from saddle.study.trainable.declarations import Declarations
from saddle.study.values import repeats
from saddle.studyfile.checks.metrics import check_compared, check_scale
from saddle.studyfile.checks.settings import known_settings, mistakes_with, refuse_at, refuse_name
from saddle.studyfile.draft import Draft
from saddle.studyfile.problem import Path

MOST_TRIED = 64
"""Arms in units whose whole configuration is tried."""


def check_relation(draft: Draft) -> None:
    """Check metric, arms, units, predictors and seeds of a relation."""
    relation = draft.sections.get("relation")
    if not isinstance(relation, Relation):
        return
    _check_gain(draft, relation)
    _check_predictors(draft, relation, draft.loaded)
    if isinstance(relation.seeds, list):
        for index in repeats(relation.seeds):
            what = f"seed {relation.seeds[index]} is given twice; it would count one measurement as two"
            draft.refuse(("relation", "seeds", index), what, "give every seed once")
    if _names_are_known(draft, relation):
        _check_units(draft, relation)


def _check_gain(draft: Draft, relation: Relation) -> None:
    gain = relation.gain
    if gain.table is not None:
        return
    path: Path = ("relation", "gain")
    metric = gain.metric or draft.loaded.selection
    check_compared(draft, (*path, "metric"), gain.metric)
    check_scale(draft, draft.loaded.metric(metric), gain.scale, (*path, "scale"))
    try:
        relation_arms(relation)
    except DesignError as error:
        draft.refuse((*path, "arm"), str(error))


def _check_predictors(draft: Draft, relation: Relation, declared: Declarations) -> None:
    paths: list[Path] = [("relation", "predictor"), *(("relation", "also", i) for i in range(len(relation.also)))]
    names = [str(predictor) for predictor in relation.predictors]
    for index in repeats(names):
        draft.refuse(paths[index], f"{names[index]} is a predictor already", "name every predictor once")
    for path, predictor in zip(paths, relation.predictors, strict=True):
        if predictor.name is None or predictor.name in declared.data_measures or _is_dose(predictor.name, relation):
            continue
        metric = metric_of(predictor.name, declared)
        if metric is None:
            known = [*declared.data_measures, *declared.metrics]
            near = nearest(predictor.name, known)
            measures = ", ".join(declared.data_measures) or "none"
            right = "" if near else f"data measures of {declared.name}: {measures}; else name a metric, or a setting"
            draft.refuse(path, f"unknown predictor {predictor.name!r}", right, near)
            continue
        why = why_refused(metric, relation.gain.metric or declared.selection)
        if why:
            draft.refuse(path, f"{predictor.name} can't predict the gain: {why}", "name a measure of the data")


def _is_dose(name: str, relation: Relation) -> bool:
    """Whether it is a number that every unit sets, such as an image size."""
    values = [unit.settings.get(name) for unit in relation.unit_list]
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _names_are_known(draft: Draft, relation: Relation) -> bool:
    """Whether every setting of arms and units is a hyperparameter; units of a table may differ in anything."""
    fields, problem_count = draft.loaded.Config.model_fields, len(draft.problems)
    if relation.gain.table is not None:
        return False
    places: list[tuple[Path, Mapping[str, Any]]] = [
        (("relation", "gain", "arm"), relation.gain.arm or {}),
        (("relation", "gain", "over"), relation.gain.over or {}),
    ]
    for index, units in enumerate(relation.units):
        path: Path = ("relation", "units", index)
        places += [((*path, "vary"), units.vary), ((*path, "fixed"), units.fixed)]
    for path, settings in places:
        for name in settings:
            if name not in fields:
                refuse_name(draft, (*path, name), name, fields)
    return len(draft.problems) == problem_count


def _check_units(draft: Draft, relation: Relation) -> None:
    """Units are different from one another, set what nothing else decides, and can be trained with both arms."""
    settings, paths = known_settings(draft)
    arms = relation_arms(relation) if not _is_refused(draft) else []
    for index, units in enumerate(relation.units):
        path: Path = ("relation", "units", index)
        for name in (*units.vary, *units.fixed):
            if any(name in arm.settings for arm in arms):
                draft.refuse((*path, name), f"{name} is set by the arms, too", "keep one of them")
            elif name in paths:
                place = draft.document.place(paths[name])
                draft.refuse((*path, name), f"{name} is in {paths[name][0]}, too ({place})", "keep one of them")
        combinations = itertools.islice(itertools.product(units.expanded, arms), MOST_TRIED)
        for unit, arm in combinations:
            for mistake in mistakes_with(draft, {**settings, **arm.settings, **unit.settings}):
                in_arm = bool(mistake.path) and mistake.path[0] in arm.settings
                where = {
                    name: ("relation", "gain", "over" if arm.is_baseline else "arm", name) for name in arm.settings
                }
                if in_arm:
                    refuse_at(draft, where, mistake)
                elif not mistake.path or mistake.path[0] in unit.settings:
                    draft.refuse(path, f"{unit.name}: {mistake.what}", mistake.right, mistake.nearest)
    try:
        unit_blocks(relation)
    except DesignError as error:
        draft.refuse(("relation", "units"), str(error), "list every unit once")


def _is_refused(draft: Draft) -> bool:
    """Whether the arms were refused already."""
    return any(problem.where.startswith("relation.gain") for problem in draft.problems)
