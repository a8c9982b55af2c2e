"""Why no trial of a search is called the best although some completed: all are equal, or none beats guessing."""

from __future__ import annotations

from collections.abc import Sequence

import scipy

from saddle.analyse.best import candidates
from saddle.analyse.text.formatting import Scale, listed, plural
from saddle.study.models import Study
from saddle.study.selection import objectives_of
from saddle.study.trainable.declarations import Declarations
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

BY_LUCK = 0.05
"""The chance that the best of all trials exceeds `best_guess` although every one of them guesses."""


def chance_of(entries: Sequence[TrialRecord]) -> float | None:
    """The accuracy of guessing among the dataset's classes; None if no trial says how many there are."""
    counts = {entry.fingerprints["classes"] for entry in entries if entry.fingerprints.get("classes")}
    return 1 / max(counts) if counts else None


def why_search_has_no_best(study: Study, declared: Declarations, entries: Sequence[TrialRecord]) -> str:
    """Why none of a search's trials is the best, as sentences (see `why_no_best`); empty for an ablation."""
    if study.search is None:
        return ""
    objectives = objectives_of(study, declared)
    return why_no_best(candidates(entries, objectives, study.constraints), objectives, declared, chance_of(entries))


def why_no_best(
    feasible: Sequence[TrialRecord], objectives: Sequence[Metric], declared: Declarations, chance: float | None
) -> str:
    """Why none of the completed trials is the best, as sentences; empty if one may be.

    `chance` is what guessing among the dataset's classes gives, None if it isn't known.
    """
    if not feasible:
        return ""
    tied = all_tied(feasible, objectives)
    guessing = _no_better_than_guessing(feasible, objectives[0], declared, chance) if len(objectives) == 1 else ""
    return " ".join(sentence for sentence in (tied, guessing) if sentence)


def all_tied(feasible: Sequence[TrialRecord], objectives: Sequence[Metric]) -> str:
    """That two or more completed trials have the same values, as a sentence; empty if they differ."""
    values = {tuple(entry.metrics[objective.name] for objective in objectives) for entry in feasible}
    if len(feasible) < 2 or len(values) > 1:
        return ""
    same = listed(
        f"{objective} = {Scale.of(objective).value(feasible[0].metrics[objective.name])}" for objective in objectives
    )
    return f"All {len(feasible)} completed trials have the same {same}, so none of them is the best."


def _no_better_than_guessing(
    feasible: Sequence[TrialRecord], objective: Metric, declared: Declarations, chance: float | None
) -> str:
    guess = guess_of(objective, chance)
    if guess is None or objective.direction != "maximize":
        return ""
    scale, reached = Scale.of(objective), max(entry.metrics[objective.name] for entry in feasible)
    samples = samples_of(feasible, objective, declared)
    if reached > best_guess(guess, samples, len(feasible)):
        return ""
    best = f"the best of {plural(len(feasible), 'completed trial')} reaches" if len(feasible) > 1 else "it reaches"
    noise = "" if samples is None else f", and up to {scale.value(best_guess(guess, samples, len(feasible)))} by luck"
    subject = "No trial is" if len(feasible) > 1 else "The only completed trial is not"
    return (
        f"{subject} better than guessing: {best} {scale.value(reached)} in {objective}, where guessing gives"
        f" {scale.value(guess)}{noise}."
    )


def guess_of(metric: Metric, chance: float | None) -> float | None:
    """The value of a metric that guessing gives, as its trainable declares it; None if that isn't known."""
    return chance if metric.chance == "classes" else metric.chance


def best_guess(guess: float, samples: int | None, trials: int) -> float:
    """What the best of so many trials that guess reaches by luck, exceeded in one of 20 searches at most.

    A binomial share of `samples`, with Bonferroni's bound over the trials; without samples, the guess itself.
    """
    if samples is None:
        return guess
    return float(scipy.stats.binom.isf(BY_LUCK / trials, samples, guess)) / samples


def samples_of(entries: Sequence[TrialRecord], metric: Metric, declared: Declarations) -> int | None:
    """How many samples a metric is measured on, by what the trials report for its split: the fewest if they differ.

    None if no trial reports it; another split has another number.
    """
    names = dict.fromkeys(name for entry in entries for name in entry.metrics)
    counts = [count for count in declared.in_role("samples", names) if count.split == metric.split]
    if not counts:
        return None
    return int(min(entry.metrics[counts[0].name] for entry in entries if counts[0].name in entry.metrics)) or None
