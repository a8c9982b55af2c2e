"""What validation measured with on purpose that the test does not: numbers of the two are no rankings of one thing."""

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
"""Values that are listed; of more the least and the greatest are said."""


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
        return f"{self.field} {_said(self.validated)} in validation and {_said(self.tested)} in the test"


def own_terms(entry: TrialRecord, fields: Sequence[str]) -> dict[str, float]:
    """The evaluation fields that a trial's validation had another number of, as it reports (`validation/FIELD`)."""
    return {field: entry.metrics[name] for field in fields if (name := f"validation/{field}") in entry.metrics}


def terms_key(entry: TrialRecord, fields: Sequence[str]) -> str:
    """Equal for trials that validation measured alike; empty for those that it measured as the test does."""
    own = own_terms(entry, fields)
    return canonical(own) if own else ""


def validation_terms(entries: Sequence[TrialRecord], fields: Sequence[str]) -> list[ValidationTerm]:
    """What the validation of completed trials differed from their test in; empty where nothing."""
    completed = [entry for entry in entries if entry.outcome == Outcome.COMPLETED]
    own = [own_terms(entry, fields) for entry in completed]
    terms = []
    for field in fields:
        if any(field in one for one in own):
            validated = [one.get(field, entry.params.get(field)) for one, entry in zip(own, completed, strict=True)]
            terms.append(ValidationTerm(field, _distinct(validated), _distinct(
                [entry.measured_params.get(field) for entry in completed])))  # fmt: skip
    return terms


def alike_validated(entries: Sequence[TrialRecord], fields: Sequence[str]) -> Sequence[TrialRecord]:
    """Those that validation can rank: all if it measured them alike, else those that it measured as the test does."""
    terms = [terms_key(entry, fields) for entry in entries]
    if len(set(terms)) < 2:
        return entries
    return [entry for entry, own in zip(entries, terms, strict=True) if not own]


def validation_cautions(
    entries: Sequence[TrialRecord], fields: Sequence[str], judged: Sequence[Metric] = ()
) -> Iterator[str]:
    """That validation measured something else on purpose; `judged` are the metrics that the study goes by."""
    terms = validation_terms(entries, fields)
    if not terms:
        return
    said = listed(map(str, terms))
    if all(term.ranks_trials for term in terms):
        yield f"Validation measures otherwise than the test on purpose: {said}. Its values are not to be found there."
        return
    yield (
        f"Validation measures each trial by terms of its own on purpose: {said}. It chooses the epoch within each"
        " trial; its accuracies under attack don't compare trials, neither with each other nor with their test."
    )
    wrong = [metric.name for metric in judged if metric.split == "validation" and metric.role == "robust"]
    if wrong:
        verb = "is" if len(wrong) == 1 else "are"
        yield f"{listed(wrong)} {verb} such a value, so no difference or order of trials by it means anything."


def _distinct(values: Sequence[Any]) -> list[Any]:
    found = list({canonical(value): value for value in values}.values())
    return sorted(found) if all(isinstance(value, int | float) for value in found) else found


def _said(values: Sequence[Any]) -> str:
    if len(values) <= FEW:
        return listed(map(setting, values))
    return f"{setting(values[0])} to {setting(values[-1])}"
