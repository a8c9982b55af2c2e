"""Answers about trained models."""

from __future__ import annotations

from collections.abc import Mapping

from saddle.cli.answers.answer import Answer, Metrics, Settings


class MeasuredTrial(Answer):
    """One trial that was measured again, and what was stored of it."""

    trial: str
    metrics: Metrics
    when_trained: Metrics


class MeasuredStudy(Answer):
    """A study whose trials were measured again (`--all`)."""

    study: str
    evaluation: Settings
    measured: Mapping[str, Metrics]
    already: int
    left_out: Mapping[str, str]
    report: str


class CheckedItem(Answer):
    """An item of the checklist: `pass`, `warn`, `fail` or `not run`."""

    item: str
    verdict: str
    numbers: Metrics
    says: str


class Export(Answer):
    """A folder with a model; `hindrance` says why `load` won't work here, `doubt` why the trial isn't called best."""

    trial: str
    folder: str
    load: str
    hindrance: str
    doubt: str | None
