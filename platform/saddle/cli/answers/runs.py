"""Answers of commands that plan, run and stop studies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saddle.cli.answers.answer import Answer, Settings
from saddle.cli.answers.stored_studies import ReachedVerdict


class NewFiles(Answer):
    """The files that were written, and the command that looks at them."""

    kind: str
    files: list[str]
    next: str


class Plan(Answer):
    """What a study would do; null is unknown."""

    study: str
    question: str
    trials: int | None
    done: int
    arms: list[Mapping[str, Any]]
    seeds: list[int]
    concurrency: int
    resources_per_trial: str | Mapping[str, Any]
    seconds: float | None
    seconds_per_trial: float | None
    gpu_hours: float | None
    bytes: float | None
    basis: str
    config: Settings
    assumed: list[str]
    references: Mapping[str, Any]
    notes: list[str]
    design: Mapping[str, Any] | None
    relation: Mapping[str, Any] | None
    power: Mapping[str, Any] | None
    follow_up: Mapping[str, Any] | None


class EndedStudy(Answer):
    """What a study came to; `verdicts` of an ablation or a relation, `best` of a search."""

    study: str
    kind: str
    finished: bool
    trials: int
    outcomes: Mapping[str, int]
    answer: str
    warnings: list[str]
    metric: str
    verdicts: list[ReachedVerdict]
    best: str | None
    report: str
    undelivered: str | None


class ImportedStudy(Answer):
    """A study of results that were trained elsewhere."""

    study: str
    trials: int
    new: int
    answer: str
    report: str


class Stopping(Answer):
    """A study that was asked to stop."""

    study: str
    stopping: bool


class SubmittedJob(Answer):
    """The job that runs studies on a cluster."""

    job: str
    studies: list[str]
    address: str


class JobLog(Answer):
    """What a job has said so far."""

    job: str
    studies: list[str]
    status: str
    exit_code: int | None
    text: str


class Night(Answer):
    """A night of a nightly; `exit_code` is null if it is not finished."""

    date: str
    result: str
    exit_code: int | None
    sentence: str
    code: str | None
    commit: str | None
    commits: str
    changed_by: list[str]
    changed_since: str | None
    effects: str
    trials: int
    accepted: str | None


class NightOfNow(Night):
    """The night that was run, and the page with all of them."""

    page: str


class AcceptedNight(Answer):
    """The night that others are compared with from now on."""

    study: str
    night: str
    why: str


class Bisection(Answer):
    """The commits that a change may have come with."""

    sentence: str
    suspects: list[str]
    tried: int


class SchedulerFile(Answer):
    """A file for a scheduler; `name` is empty if it goes to the scheduler itself."""

    name: str
    text: str


class SchedulerFiles(Answer):
    """What a scheduler needs to start a night every day."""

    scheduler: str
    files: list[SchedulerFile]
