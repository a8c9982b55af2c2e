"""Settings that validation deliberately measures with and the test does not: the two don't rank the same thing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from saddle.analyse.text.formatting import listed, setting
from saddle.study.values import canonical
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

FEW = 3
"""Values that are listed; of more, only the least and the greatest are given."""


@dataclass(frozen=True)
class ValidationTerm:
    """An evaluation field, and its different values in the validation and in the test of completed trials."""

    field: str
    validated: Sequence[Any]
    tested: Sequence[Any]

    @property
    def ranks_trials(self) -> bool:
        """Whether validation measured all trials with one value, so that it can rank them among themselves."""
        return len(self.validated) == 1

    def __str__(self) -> str:
        return f"{self.field} {_in_words(self.validated)} in validation and {_in_words(self.tested)} in the test"


def own_terms(entry: TrialRecord, fields: Sequence[str]) -> dict[str, float]:
    """The evaluation fields for which a trial's validation had another number, as it reports (`validation/FIELD`)."""
    return {field: entry.metrics[name] for field in fields if (name := f"validation/{field}") in entry.metrics}


def terms_key(entry: TrialRecord, fields: Sequence[str]) -> str:
    """Equal for trials that validation measured in the same way; empty for those that it measured as the test does."""
    own = own_terms(entry, fields)
    return canonical(own) if own else ""


def validation_terms(entries: Sequence[TrialRecord], fields: Sequence[str]) -> list[ValidationTerm]:
    """The fields in which validation of completed trials differed from their test."""
    completed = [entry for entry in entries if entry.outcome == Outcome.COMPLETED]
    own = [own_terms(entry, fields) for entry in completed]
    terms = []
    for field in fields:
        if any(field in of_trial for of_trial in own):
            validated = [
                of_trial.get(field, entry.params.get(field)) for of_trial, entry in zip(own, completed, strict=True)
            ]
            terms.append(ValidationTerm(field, _distinct(validated), _distinct(
                [entry.measured_params.get(field) for entry in completed])))  # fmt: skip
    return terms


def alike_validated(entries: Sequence[TrialRecord], fields: Sequence[str]) -> Sequence[TrialRecord]:
    """Those that validation can rank: all if it measured them in one way, else those measured as the test does."""
    terms = [terms_key(entry, fields) for entry in entries]
    if len(set(terms)) < 2:
        return entries
    return [entry for entry, own in zip(entries, terms, strict=True) if not own]


def validation_cautions(
    entries: Sequence[TrialRecord], fields: Sequence[str], judged: Sequence[Metric] = ()
) -> Iterator[str]:
    """That validation deliberately measured something else; `judged` are the metrics that the study is judged by."""
    terms = validation_terms(entries, fields)
    if not terms:
        return
    differences = listed(map(str, terms))
    if all(term.ranks_trials for term in terms):
        yield (
            f"Validation deliberately measures otherwise than the test: {differences}. Its values are not those of the"
            " test."
        )
        return
    yield (
        f"Validation deliberately measures each trial with its own settings: {differences}. It chooses the epoch within"
        " each trial; its accuracies under attack can't be compared between trials, nor with those of their test."
    )
    wrong = [metric.name for metric in judged if metric.split == "validation" and metric.role == "robust"]
    if wrong:
        verb = "is" if len(wrong) == 1 else "are"
        yield f"{listed(wrong)} {verb} such a value, so no difference or order of trials by it means anything."


def _distinct(values: Sequence[Any]) -> list[Any]:
    unique = list({canonical(value): value for value in values}.values())
    return sorted(unique) if all(isinstance(value, int | float) for value in unique) else unique


def _in_words(values: Sequence[Any]) -> str:
    if len(values) <= FEW:
        return listed(map(setting, values))
    return f"{setting(values[0])} to {setting(values[-1])}"
