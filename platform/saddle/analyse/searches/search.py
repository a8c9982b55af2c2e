"""The answer of a search."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from saddle.analyse.best import best, candidates, trial_order, violation
from saddle.analyse.cautions import single_attack
from saddle.analyse.evaluation.above_clean import above_clean
from saddle.analyse.evaluation.badge import with_badge
from saddle.analyse.evaluation.evaluations import at_quick
from saddle.analyse.result import Answer
from saddle.analyse.searches.chance_and_ties import why_no_best
from saddle.analyse.searches.close_to_best import CloseToBest, close_to_best
from saddle.analyse.searches.importance import drawn
from saddle.analyse.searches.marginal_effect import effect_sentence, marginal_effect
from saddle.analyse.searches.pareto import pareto_front
from saddle.analyse.searches.search_cautions import failures, idle_parts, of_the_best, of_the_front
from saddle.analyse.text.formatting import DASH, Scale, label, listed, plural, setting, settings
from saddle.study.models import Study
from saddle.study.selection import objectives_of
from saddle.study.trainable.declarations import Declarations
from saddle.study.trainable.metrics import matching
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

ROWS = 10
ENDED = {
    Outcome.PRUNED: "stopped early",
    Outcome.COLLAPSED: "collapsed",
    Outcome.DIVERGED: "diverged",
    Outcome.FAILED: "failed",
    Outcome.TIMED_OUT: "timed out",
}


def answer_search(
    study: Study,
    entries: Sequence[TrialRecord],
    declared: Declarations,
    *,
    chance: float | None = None,
) -> Answer:
    """The best trial and its parameters, or the Pareto front if there are several objectives.

    Neither where the completed trials are all equal or no better than guessing: `chance` is the accuracy of guessing
    among the dataset's classes, None if it isn't known.
    """
    objectives = objectives_of(study, declared)
    feasible = candidates(entries, objectives, study.constraints)
    open_question = why_no_best(feasible, objectives, declared, chance)
    several, decided = len(objectives) > 1, not open_question
    front = pareto_front(entries, objectives, study.constraints) if several and decided else []
    winner = best(entries, objectives[0], study.constraints) if not several and decided else None
    statistics = " ".join(_others(entries))
    if open_question:
        plain = open_question
        ordered = sorted(feasible, key=lambda entry: _cost(entry, objectives[0]))
    elif winner is not None:
        plain = _best_sentence(
            study, entries, winner, objectives[0], close_to_best(feasible, winner, objectives[0], declared)
        )
        statistics = " ".join([*_tested(winner, objectives[0], declared), *_others(entries)])
        ordered = sorted(feasible, key=lambda entry: _cost(entry, objectives[0]))
    elif front:
        plain = _front_sentence(entries, front, objectives)
        ordered = [*front, *(entry for entry in feasible if all(entry.key != member.key for member in front))]
    else:
        plain, ordered = _nothing(study, entries, objectives), []
    if study.asks is not None and entries:
        on_question = _of_the_question(study, entries, objectives[0], study.asks)
        plain, statistics = f"{on_question[0]} {plain}", f"{on_question[1]} {statistics}".strip()
    plain, badge = with_badge(plain, front if winner is None else [winner], search_trial_name, declared)
    marks = ("front",) if len(objectives) > 1 else ()
    metrics = [*objectives, *also_shown(study, entries, declared)]
    columns = ("trial", *marks, *(label(metric.name) for metric in metrics), *(study.search or {}), "epochs")
    rows = tuple(_row(study, entry, metrics, front if several else None) for entry in ordered[:ROWS])
    warnings = (*_warnings(study, entries, winner, objectives, feasible, declared),)
    return Answer(
        plain, objectives[0], columns, rows, warnings, best=winner, front=tuple(front), badge=badge,
        statistics=statistics,
    )  # fmt: skip


def _of_the_question(
    study: Study, entries: Sequence[TrialRecord], objective: Metric, parameter: str
) -> tuple[str, str]:
    """What the search shows about the parameter in question, in plain words, and what they rest on."""
    effect = marginal_effect(study, entries, objective, parameter)
    return (
        (_left_open(study, parameter), "") if effect is None else effect_sentence(effect, study, objective, parameter)
    )


def _left_open(study: Study, parameter: str) -> str:
    """That a search does not answer for one of its parameters, and what does."""
    return (
        f"Not answered: the question is about {parameter}, and this search can't show the effect of that alone, as its "
        "trials were proposed from the results of earlier ones and all have one seed; a paired ablation can, which "
        f"saddle plan proposes for {study.study}."
    )


def search_trial_name(entry: TrialRecord) -> str:
    """The name of a trial in a sentence: `trial 7`."""
    return f"trial {entry.key if entry.number is None else entry.number}"


def twin(metric: str) -> str:
    """The test metric that belongs to a validation metric."""
    return "test/" + metric.partition("/")[2]


def _cost(entry: TrialRecord, objective: Metric) -> float:
    return objective.cost(entry.metrics[objective.name])


def also_shown(study: Study, entries: Sequence[TrialRecord], declared: Declarations) -> list[Metric]:
    """The further metrics that the study shows of its trials (`also`), except the objectives."""
    objectives = {objective.metric for objective in study.objective or ()}
    names = {name for entry in entries for name in entry.metrics} if study.also else set()
    return [declared.metric(name) for name in matching(study.also, names) if name not in objectives]


def _row(
    study: Study, entry: TrialRecord, metrics: Sequence[Metric], front: Sequence[TrialRecord] | None
) -> tuple[str, ...]:
    """The cells of a trial; `front` is None if the search has none."""
    params = drawn(study, entry)
    marks = () if front is None else ("yes" if any(entry.key == member.key for member in front) else DASH,)
    return (
        entry.key if entry.number is None else str(entry.number),
        *marks,
        *(Scale.of(metric).value(entry.metrics.get(metric.name)) for metric in metrics),
        *(setting(params[name]) if name in params else DASH for name in study.search or {}),
        str(entry.epochs),
    )


def _best_sentence(
    study: Study, entries: Sequence[TrialRecord], winner: TrialRecord, objective: Metric, close: CloseToBest | None
) -> str:
    value = Scale.of(objective).value(winner.metrics[objective.name])
    where = settings(drawn(study, winner).items())
    name = search_trial_name(winner)
    text = f"The best of {plural(len(entries), 'trial')} is {name}: {label(objective.name)} {value}"
    text += f" with {where}" if where else ""
    if close is None or not close.trials:
        return f"{text}."
    return f"{text}; {close.trials} of {plural(close.others, 'other trial')} can't be distinguished from it."


def _tested(winner: TrialRecord, objective: Metric, declared: Declarations) -> Iterable[str]:
    """What the best trial has on test data, if that was measured."""
    test = declared.metric(twin(objective.name))
    scale, tested = Scale.of(objective), winner.metrics.get(test.name)
    if tested is not None and math.isfinite(tested):
        quick = at_quick([winner], test).lower()
        text = f"Test data, which the search did not see, give {scale.value(tested)}"
        yield f"{text} ({quick.rstrip(': ')})." if quick else f"{text}."


def _front_sentence(entries: Sequence[TrialRecord], front: Sequence[TrialRecord], objectives: Sequence[Metric]) -> str:
    metrics = listed(objective.name for objective in objectives)
    ends = [front[0], front[-1]] if len(front) > 1 else front

    def point(entry: TrialRecord) -> str:
        return " and ".join(Scale.of(o).value(entry.metrics[o.name]) for o in objectives)

    span = " to ".join(f"{point(entry)} ({search_trial_name(entry)})" for entry in ends)
    verb = "is" if len(front) == 1 else "are"
    return f"{len(front)} of {plural(len(entries), 'trial')} {verb} on the Pareto front of {metrics}: {span}."


def _others(entries: Sequence[TrialRecord]) -> Iterable[str]:
    counts = Counter(entry.outcome for entry in entries)
    parts = [f"{counts[outcome]} {words}" for outcome, words in ENDED.items() if counts[outcome]]
    if parts:
        completed = [f"{plural(counts[Outcome.COMPLETED], 'trial')} completed"] if counts[Outcome.COMPLETED] else []
        yield f"{', '.join([*completed, listed(parts)])}."


def _nothing(study: Study, entries: Sequence[TrialRecord], objectives: Sequence[Metric]) -> str:
    if not entries:
        return "No trial has finished yet."
    completed = [entry for entry in entries if entry.outcome == Outcome.COMPLETED]
    if not completed:
        return f"None of {plural(len(entries), 'trial')} completed, so there is no best."
    if not candidates(entries, objectives):
        metrics = listed(objective.name for objective in objectives)
        return f"None of {plural(len(completed), 'completed trial')} has a finite {metrics}, so there is no best."
    bounds = listed(str(constraint) for constraint in study.constraints)
    closest = min(
        candidates(entries, objectives), key=lambda entry: (violation(entry, study.constraints), trial_order(entry))
    )
    values = settings((c.metric, closest.metrics.get(c.metric, math.nan)) for c in study.constraints)
    none = f"None of {plural(len(completed), 'completed trial')}"
    return f"{none} keeps {bounds}; the closest is {search_trial_name(closest)} ({values})."


def _warnings(
    study: Study,
    entries: Sequence[TrialRecord],
    winner: TrialRecord | None,
    objectives: Sequence[Metric],
    feasible: Sequence[TrialRecord],
    declared: Declarations,
) -> Iterable[str]:
    yield from failures(entries)
    yield from idle_parts(study, entries)
    if winner is not None:
        yield from of_the_best(study, feasible, winner, objectives[0], declared)
    elif len(objectives) > 1:
        yield from of_the_front(feasible)
    for objective in objectives:
        yield from single_attack(entries, objective)
    yield from above_clean({search_trial_name(entry): [entry] for entry in entries}, declared)
