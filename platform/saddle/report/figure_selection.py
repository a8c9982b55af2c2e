"""Which figures and images a report shows, for each kind of study."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from saddle.analyse.ablation import judge_arms, without_needless
from saddle.analyse.best import candidates
from saddle.analyse.hypervolume import hypervolume_course
from saddle.analyse.importance import importance
from saddle.analyse.paired_values import ArmValues
from saddle.analyse.result import Answer
from saddle.analyse.study_results import StudyResults
from saddle.design import design_of
from saddle.report.figures import curves, effects, history, interactions, levels, pareto, race, tradeoff
from saddle.report.figures.canvas import LazyFigure
from saddle.report.figures.importance import importances
from saddle.report.figures.parallel import parallel
from saddle.report.figures.slices import slices
from saddle.report.secondary_metrics import matching
from saddle.study.selection import objectives_of
from saddle.trial.outcome import METHOD_FAILURES, Outcome
from saddle.trial.record import TrialRecord


def plates_of(results: StudyResults) -> list[LazyFigure]:
    """The figures of either kind of study."""
    return search_plates(results) if results.study.ablation is None else ablation_plates(results)


def ablation_plates(results: StudyResults) -> list[LazyFigure]:
    """Effects, the race or the interaction where there is one, arms seed by seed, learning curves, the trade-off."""
    study, answer, declared = results.study, results.answer, results.declared
    ablation = study.ablation
    assert ablation is not None
    metric, groups = results.metric, results.groups
    measured = results.measured(metric.name)
    if len(results.arms) >= effects.SORTED_FROM:
        measured = best_first(measured, answer)
        groups = {arm.arm: groups[arm.arm] for arm in measured}
    plates = [effects.forest(answer.effects, ablation.compare.alpha, ablation.compare.equivalence)]
    if ablation.race.spending is not None and results.records:
        standing = judge_arms(study, results.arms, measured, results.spec)
        seeds = ablation.seed_list
        plates.append(race.course([without_needless(arm, standing, seeds) for arm in measured], standing))
    for name in design_of(ablation).figures:
        plates += _optional(DESIGN_FIGURES[name](results))
    plates += [effects.arms(measured, metric), curves.arm_curves(groups, declared.selected, declared)]
    return [*plates, *_optional(tradeoff.tradeoff(groups, declared))]


def _interactions(results: StudyResults) -> LazyFigure | None:
    ablation, metric = results.study.ablation, results.metric
    assert ablation is not None
    return interactions.interaction(ablation.factors, results.arms, results.measured(metric.name), metric)


def _levels(results: StudyResults) -> LazyFigure | None:
    ablation = results.study.ablation
    assert ablation is not None
    known = {name for record in results.comparable for name in record.metrics}
    names = dict.fromkeys([results.metric.name, *matching(ablation.compare.also, known)])
    along = {results.declared.metric(name): results.measured(name) for name in names}
    return levels.along(ablation.factors, results.arms, along)


DESIGN_FIGURES: Mapping[str, Callable[[StudyResults], LazyFigure | None]] = {
    "interactions": _interactions,
    "levels": _levels,
}
"""Figures that a design may name as its own; None where there is nothing to draw."""


def best_first(measured: Sequence[ArmValues], answer: Answer) -> list[ArmValues]:
    """The baseline, then the other arms by how good their effects are; those without one last."""
    goodness = {
        effect.arm: effect.mean if effect.direction == "maximize" else -effect.mean
        for effect in answer.effects
        if effect.kind == "arm" and effect.mean is not None
    }
    baseline, *others = measured
    return [baseline, *sorted(others, key=lambda arm: -goodness.get(arm.arm, -math.inf))]


def search_plates(results: StudyResults) -> list[LazyFigure]:
    """History, the Pareto front, importance, parameters alone and together, learning curves, and the trade-off."""
    study, entries, answer, declared = results.study, results.comparable, results.answer, results.declared
    objectives = objectives_of(study, declared)
    found = {objective.name: importance(study, entries, objective) for objective in objectives}
    best = leaders(results)
    plates = [history.history(entries, objectives, study.constraints)]
    if len(objectives) > 1:
        course = hypervolume_course(entries, objectives, study.constraints)
        plates += [pareto.fronts(entries, answer.front, objectives), pareto.hypervolume(course, objectives)]
    plates.append(importances(found))
    plates.append(slices(study, entries, objectives[0], answer.best))
    if len(study.search or {}) > 1:
        plates.append(parallel(study, entries, objectives, best))
    plates.append(curves.trial_curves(entries, best, objectives[0], declared))
    return [*plates, *_optional(tradeoff.tradeoff(by_outcome(entries), declared))]


def leaders(results: StudyResults) -> list[TrialRecord]:
    """The best trials, best first: the Pareto front, or the order of the single objective."""
    if results.answer.front:
        return list(results.answer.front)
    objective = objectives_of(results.study, results.declared)[0]
    found = candidates(results.comparable, [objective], results.study.constraints)
    return sorted(found, key=lambda entry: objective.cost(entry.metrics[objective.name]))


def by_outcome(entries: Sequence[TrialRecord]) -> Mapping[str, Sequence[TrialRecord]]:
    """Completed trials apart from the rest, whose accuracies are those of a cut training."""
    completed = [entry for entry in entries if entry.outcome == Outcome.COMPLETED]
    others = [entry for entry in entries if entry.outcome != Outcome.COMPLETED]
    return {name: group for name, group in {"completed": completed, "ended early": others}.items() if group}


def illustrated(results: StudyResults) -> list[TrialRecord]:
    """The trials whose images are worth a look: failures of the method, and one per arm or the best of a search."""
    entries = results.comparable
    failures = [entry for entry in entries if entry.outcome in METHOD_FAILURES][:4]
    if results.study.ablation is not None:
        first: dict[str | None, TrialRecord] = {}
        for entry in sorted(entries, key=lambda entry: entry.seed):
            if entry.outcome == Outcome.COMPLETED and entry.images:
                first.setdefault(entry.arm, entry)
        return [*failures, *first.values()]
    shown = 4 if results.answer.front else 2  # of a front the trials differ in what they are good at
    return [*failures, *leaders(results)[:shown]]


def _optional(plate: LazyFigure | None) -> list[LazyFigure]:
    return [] if plate is None else [plate]
