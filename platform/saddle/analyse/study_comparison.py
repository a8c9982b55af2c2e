"""Several studies side by side: the same arms on other data, with other code, or on another day."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from saddle.analyse.ablation import comparison_spec, judge_arms
from saddle.analyse.arms.added_arms import with_added
from saddle.analyse.arms.comparison import compare
from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec, judge
from saddle.analyse.arms.on_scale import in_units, off_scale, on_scale
from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.best import best_trial, value_of
from saddle.analyse.cautions import uninformative
from saddle.analyse.evaluation.earlier_evaluations import earlier_evaluations, present_name
from saddle.analyse.evaluation.evaluations import NOT_SAID, evaluation_cautions
from saddle.analyse.evaluation.predictions import Read
from saddle.analyse.outcomes import without_retried
from saddle.analyse.searches.chance_and_ties import chance_of
from saddle.analyse.searches.pareto import pareto_front
from saddle.analyse.statistics.power import FEWEST_SEEDS
from saddle.analyse.statistics.scales import ScaleName
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import listed
from saddle.study.models import Study
from saddle.study.selection import objectives_of
from saddle.study.values import canonical, readable
from saddle.trial.nested_values import flatten
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

MOST_NAMED = 4
"""More comparisons are only counted."""

HIDDEN_FACTS = ("seed",)
"""Fingerprints that are meant to differ from trial to trial."""


@dataclass(frozen=True)
class StudyView:
    """One study as it is compared: its arms (an ablation's, or a search's best trial as the only one)."""

    study: Study
    metric: Metric
    arms: Sequence[ArmValues]
    effects: Mapping[str, Effect] = field(default_factory=dict)
    """By arm; the baseline has none."""
    baseline: str | None = None
    best: TrialRecord | None = None
    front: Sequence[TrialRecord] = ()
    """The Pareto front of a search with several objectives, chosen on validation data."""
    objectives: Sequence[Metric] = ()
    """Those of a search."""
    outcomes: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    ended: float = 0.0
    """Unix seconds; 0 if nothing has ended."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Settings that all trials share, and what they ran on."""
    name: str = ""
    """The name of the run."""
    evaluation: Sequence[str] = ()
    """Those of the facts that say how its trials were measured."""
    cautions: Sequence[str] = ()
    """Differences between its own trials in that."""
    spec: ComparisonSpec | None = None
    """How an ablation compares its arms; margin and scale only if it declares them of `metric`."""
    extended: bool = False
    """Whether seeds were added after a look."""
    measured_with: str = ""
    """The settings of its evaluation, where its trials were measured again; empty if they were not."""
    earlier: Sequence[StudyView] = ()
    """The same study under each earlier evaluation, the earliest first."""
    illustrated: Sequence[TrialRecord] = ()
    """The trials whose pictures are worth a look: one per arm of an ablation."""
    read: Read | None = None
    """Fetches their arrays."""


@dataclass(frozen=True)
class StudyComparison:
    """The studies, the arms that any of them has, how arms differ between studies, and in what the studies differ."""

    views: Sequence[StudyView]
    arms: Sequence[str]
    between: Sequence[Effect]
    """Each arm that the first study shares with another one, paired by seed; judged as one family."""
    differing: Mapping[str, Sequence[str]]
    """Facts that are not the same everywhere, by study in the order of `views`; empty for a study without one."""
    notes: Sequence[str] = ()


def view_of(results: StudyResults, metric: str | None = None) -> StudyView:
    """The view of a study; `metric` replaces the one that it asks about."""
    view = _view_of(results, metric)
    before = earlier_evaluations(results)
    if not before:
        return view
    earlier = [replace(_view_of(evaluation.results, metric), measured_with=evaluation.name) for evaluation in before]
    return replace(view, measured_with=present_name(results), earlier=earlier)


def _view_of(results: StudyResults, metric: str | None) -> StudyView:
    study, declared, entries = results.study, results.declared, results.comparable
    fields = declared.evaluation_fields
    shared: dict[str, Any] = {
        "name": results.run.name,
        "outcomes": Counter(entry.outcome for entry in without_retried(entries)),
        "seconds": sum(entry.seconds for entry in entries),
        "ended": max((entry.ended for entry in entries), default=0.0),
        "facts": facts_of(entries),
        "cautions": (*evaluation_cautions(results.run.name, results.records, fields), *results.answer.grown),
        "extended": results.history.is_extended,
        "evaluation": [name for name in fields if any(name in entry.params for entry in entries)],
    }
    if not results.arms:
        winner = best_trial(study, declared, entries)
        compared = declared.metric(metric) if metric else objectives_of(study, declared)[0]
        value = None if winner is None else value_of(winner, compared.name)
        arm = ArmValues("best trial", {} if winner is None or value is None else {winner.seed: value})
        objectives = objectives_of(study, declared) if study.search is not None else ()
        front = pareto_front(entries, objectives, study.constraints) if len(objectives) > 1 else ()
        return StudyView(study, compared, [arm], best=winner, front=front, objectives=objectives, **shared)
    compared = declared.metric(metric) if metric else results.metric
    measured = results.measured(compared.name)
    spec = comparison_spec(study, compared, results.history)
    if compared.name != results.metric.name:  # margin and scale are of the study's own metric
        spec = replace(spec, equivalence=None, scale="linear")
    effects = {effect.arm: effect for effect in _effects_of(results, compared, measured, spec) if effect.kind == "arm"}
    return StudyView(study, compared, measured, effects, measured[0].arm, spec=spec, **shared)


def _effects_of(
    results: StudyResults, compared: Metric, measured: Sequence[ArmValues], spec: ComparisonSpec
) -> Sequence[Effect]:
    """The effects of an ablation's own answer, with its guards and what it can't tell.

    Judged here are those in another metric, and those of a relation, whose answer is about its units.
    """
    if compared.name == results.metric.name and results.study.ablation is not None:
        return results.answer.effects
    standing = judge_arms(results.study, results.arms, measured, spec)
    effects = with_added(standing.effects, results.arms, results.history)
    if uninformative(effects, compared, chance_of(results.comparable)):
        return [replace(effect, verdict=Verdict.NOT_INFORMATIVE) for effect in effects]
    return effects


def compare_studies(views: Sequence[StudyView], alpha: float = 0.05) -> StudyComparison:
    """Put the studies side by side; the others are compared with the first one."""
    names = list(dict.fromkeys(arm.arm for view in views for arm in view.arms))
    differing = {
        name: values
        for name in dict.fromkeys(name for view in views for name in view.facts)
        if len(set(values := [view.facts.get(name, "") for view in views])) > 1
    }
    between = _between(views, alpha)
    return StudyComparison(views, names, between, differing, (*_notes(views), *_identical(between)))


def _between(views: Sequence[StudyView], alpha: float) -> list[Effect]:
    first, *others = views
    spec = first.spec or ComparisonSpec(first.metric)
    if any(off_scale(view.arms, first.metric, spec.scale) for view in views):
        spec = ComparisonSpec(first.metric)
    arms = {arm.arm: arm for arm in first.arms}
    comparisons = []
    for other in others:
        if other.metric.name != first.metric.name:
            continue
        for arm in other.arms:
            if arm.arm in arms:
                of_other, of_first = _of(other, arm, spec.scale), _of(first, arms[arm.arm], spec.scale)
                name = f"{arm.arm}: {other.name} − {first.name}"
                compared = compare(of_other, of_first, first.metric.direction, name)
                if len(compared.counted_values) >= FEWEST_SEEDS:
                    comparisons.append(replace(compared, between_studies=True))
    extended = any(view.extended for view in views)
    effects = judge(comparisons, replace(spec, alpha=alpha, correction="holm", planned=0, any_time=extended))
    return [in_units(effect, spec.scale) for effect in effects]


def _of(view: StudyView, arm: ArmValues, scale: ScaleName) -> ArmValues:
    return on_scale(ArmValues(f"{arm.arm} in {view.name}", arm.values, arm.lost), scale)


def facts_of(entries: Sequence[TrialRecord]) -> dict[str, str]:
    """The parameters and fingerprints that all of a study's trials share; `…` for those that vary within the study."""
    differing: dict[str, str] = {}
    for prefix, groups in (
        ("", [entry.measured_params for entry in entries]),
        ("ran on ", [flatten(entry.fingerprints) for entry in entries]),
    ):
        for name in dict.fromkeys(name for group in groups for name in group):
            if prefix and name in HIDDEN_FACTS:
                continue
            values = {canonical(group.get(name)): group.get(name) for group in groups}
            differing[prefix + name] = readable(next(iter(values.values()))) if len(values) == 1 else "…"
    return differing


def _notes(views: Sequence[StudyView]) -> list[str]:
    notes = []
    first = views[0]
    for view in views[1:]:
        if view.metric.name != first.metric.name:
            notes.append(
                f"{view.name} asks about {view.metric}, {first.name} about {first.metric}; --metric NAME compares one"
            )
        notes += measured_differently(first, view)
    notes += [f"{view.name}: {caution}" for view in views for caution in view.cautions]
    extended = [view.name for view in views if view.extended]
    if extended:
        notes.append(
            f"Seeds of {listed(extended)} were added after a look: its effects, and what differs between the studies,"
            " are judged by the bound that holds whenever one stops."
        )
    if any(view.best is not None for view in views):
        notes.append(
            "The best trial of a search is a single one, chosen by its own value; its value is too optimistic."
        )
    shared = [len(arm.values) for view in views for arm in view.arms if view.best is None]
    if shared and max(shared) < FEWEST_SEEDS:
        notes.append(f"No arm has {FEWEST_SEEDS} completed seeds yet, so nothing is compared between studies.")
    return notes


def is_identical(effect: Effect) -> bool:
    """Whether an arm has the same value in both studies with every seed that they share."""
    return bool(effect.differences) and not any(effect.differences.values())


def _identical(between: Sequence[Effect]) -> list[str]:
    names = [effect.name for effect in between if is_identical(effect)]
    if not names:
        return []
    listing = listed(names) if len(names) <= MOST_NAMED else f"{len(names)} of {len(between)} comparisons"
    return [f"Identical with every seed, as the same code gives it: {listing}."]


ATTACKS_RUN = "ran on attacks."
"""The prefix of facts about the attacks that were run."""


def measured_differently(first: StudyView, other: StudyView) -> list[str]:
    """A note where two studies' trials were measured in different ways, or by different versions of the attacks."""
    names = dict.fromkeys([*first.evaluation, *other.evaluation])
    changed = [name for name in names if first.facts.get(name) != other.facts.get(name)]
    differences = [
        f"{name} = {first.facts.get(name, NOT_SAID)} and {other.facts.get(name, NOT_SAID)}" for name in changed
    ]
    runs = [{n: v for n, v in view.facts.items() if n.startswith(ATTACKS_RUN)} for view in (first, other)]
    if not differences and runs[0] != runs[1]:
        differences = ["other versions or budgets of the attacks, see ran on attacks"]
    if not differences:
        return []
    clause = f"{first.name} and {other.name} were measured in different ways ({'; '.join(differences)})"
    return [f"{clause}: the difference may come from the evaluation"]


def mean_sd(arm: ArmValues) -> tuple[float, float] | None:
    """Mean and standard deviation over completed seeds (the latter NaN for a single one); None without any."""
    values = list(arm.values.values())
    if not values:
        return None
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, math.nan
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
