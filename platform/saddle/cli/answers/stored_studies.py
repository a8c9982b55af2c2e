"""Answers about studies that are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from saddle.cli.answers.answer import Answer, Metrics, Settings


class StudyRow(Answer):
    """A stored study; `kind` is null where its file can't be read, and `question` then says why."""

    study: str
    kind: str | None
    set_aside: bool
    tags: list[str]
    notes: list[str]
    state: str
    done: int
    total: int | None
    outcomes: Mapping[str, int]
    question: str


class Note(Answer):
    """What somebody wrote about a study, or about an arm or trial of it; `when` is in Unix seconds."""

    text: str
    tags: list[str]
    arm: str
    trial: str
    when: float
    who: str


class State(Answer):
    """How far a study is; times are Unix seconds."""

    study: str
    question: str
    state: str
    done: int
    total: int | None
    outcomes: Mapping[str, int]
    running: Mapping[str, int] = Field(description="Running trials and the epoch each has reached.")
    metric: str
    best: float | None
    best_trial: str | None
    no_best: str
    started: float
    updated: float
    seconds_left: float | None
    why: str
    process: int | None
    host: str | None
    job: str | None
    flagged: Mapping[str, list[str]]
    plans: list[Mapping[str, Any]]
    added_later: Mapping[str, int] = Field(
        description="Arms that were added after results could be seen, and how many trials had ended then."
    )
    notes: list[Note]


class ResultRow(Answer):
    """A finished trial."""

    study: str
    trial: str
    arm: str | None
    seed: int
    block: Settings
    outcome: str
    flags: list[str]
    why: str
    params: Settings
    settings: Settings
    metrics: Metrics
    test_last: Metrics
    epochs: int
    selected_epoch: int | None
    seconds: float
    attempts: int
    fingerprints: Mapping[str, Any]
    evaluation: Settings


class LogPart(Answer):
    """What one attempt and rank printed."""

    heading: str
    text: str


class TrialLog(Answer):
    """What a trial printed; `outcome` is null while it is running, `reason` says why it failed."""

    study: str
    trial: str
    outcome: str | None
    parts: list[LogPart]
    reason: str


class SampleRow(Answer):
    """Two networks of one seed on single test images (`--samples`)."""

    study: str
    difference: float
    p_adjusted: float | None


class LatexTable(Answer):
    """The table of a study's answer (`--latex`)."""

    study: str
    latex: str


class ReachedVerdict(Answer):
    """The verdict of a comparison; `value` is a difference or slope, `low` to `high` its interval, `n` its pairs."""

    name: str
    verdict: str
    reservations: list[str]
    value: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int


class JudgedVerdict(ReachedVerdict):
    """The same, compared with the expected one; null if none was asked for."""

    judgement: str | None


class FurtherVerdict(ReachedVerdict):
    """The verdict on a further metric (`compare: {each}`), `p` being adjusted over the arms; `p_over_all` is adjusted
    over all arms and further metrics, and `holds_over_all` says whether a difference is shown by that, too."""

    metric: str
    p_over_all: float
    holds_over_all: bool


class RankedGroup(Answer):
    """The verdicts by the mean rank in a group of metrics (`compare: {ranks}`), where a smaller one is better, and the
    arm that the group recommends; null if none."""

    group: str
    metrics: list[str]
    recommended: str | None
    verdicts: list[ReachedVerdict]


class Verdicts(Answer):
    """The verdicts of a study; `each` are those on further metrics and `ranks` those by mean ranks, neither of which
    the expected one is compared with."""

    study: str
    metric: str
    finished: bool
    expected: str | None
    judgement: str | None
    cautions: list[str]
    verdicts: list[JudgedVerdict]
    each: list[FurtherVerdict]
    ranks: list[RankedGroup]


class WrittenReport(Answer):
    """A report: the page's `path`, or Markdown as `text`."""

    study: str
    format: str
    path: str | None
    text: str | None


class ArmInStudy(Answer):
    """An arm's values by seed, and its effect against the baseline."""

    arm: str
    values: Mapping[str, float | None]
    effect: Mapping[str, Any] | None


class StudyInComparison(Answer):
    """A study among those that are compared."""

    study: str
    metric: str
    direction: str
    baseline: str | None
    best: str | None
    outcomes: Mapping[str, int]
    arms: list[ArmInStudy]


class Comparison(Answer):
    """Studies side by side."""

    studies: list[StudyInComparison]
    between: list[Mapping[str, Any] | None]
    differing: Mapping[str, list[Any]]
    notes: list[str]


class Difference(Answer):
    """One thing that does not agree with the ledger."""

    where: str
    trial: str | None
    what: str
    repairable: bool


class Verification(Answer):
    """What was compared of a study, and what differs."""

    study: str
    clean: bool
    finished: int
    unfinished: list[str]
    total: int | None
    differences: list[Difference]
    repaired: list[Difference]
    notes: list[str]


class Removal(Answer):
    """Something that was removed, or would be."""

    trial: str | None
    path: str
    bytes: int
    why: str


class Collected(Answer):
    """What was removed of a study's checkpoints."""

    study: str
    dry_run: bool
    bytes: int
    kept_bytes: int
    note: str
    removals: list[Removal]
