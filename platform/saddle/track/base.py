"""The interface of tracking: what the driver reports about a study while it runs; nothing may delay or stop it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from saddle.trial.progress import TrialProgress
from saddle.trial.record import TrialRecord

DIGITS = 5
NOTE = "mlflow.note.content"
"""The tag that MLflow shows as the description of a run, or of an experiment."""
METRIC_TAG = "saddle.metric"
"""Names the metric that an ablation compares, among the tags of its arms."""


@dataclass(frozen=True)
class ArmSummary:
    """What a tracker gets about an arm when its study is over or interrupted."""

    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    """Its displayed name; the ledger's name where empty."""


@dataclass(frozen=True)
class StudySummary:
    """What a tracker gets about a study's answer: `description` begins with it, and is also that of the experiment."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


def rounded(values: Mapping[str, float]) -> dict[str, float]:
    """Numbers in as many digits as a reader compares; those that were measured are in the runs of the trials."""
    return {name: float(f"{value:.{DIGITS}g}") for name, value in values.items()}


class Tracker:
    """Gets the events of a study; every call returns immediately. This one tracks nothing.

    `files` are paths in the study's store.
    """

    def start_study(self, params: Mapping[str, Any], tags: Mapping[str, str], files: Sequence[str]) -> None:
        """The study starts or continues."""

    def tag_study(self, tags: Mapping[str, str]) -> None:
        """A fact about the study that is not a result."""

    def start_trial(self, trial: TrialProgress) -> None:
        """A trial starts, continues, or is started over after it had ended; only the start of its progress is known."""

    def report(self, key: str, epoch: int, metrics: Mapping[str, float], time: float) -> None:
        """An epoch is over; `time` is in Unix seconds."""

    def finish_trial(self, entry: TrialRecord, files: Sequence[str]) -> None:
        """A trial ended."""

    def measure_again(self, entry: TrialRecord, files: Sequence[str]) -> None:
        """An ended trial's checkpoints were measured again; the entry has what was measured now and before."""

    def note_checks(self, entry: TrialRecord) -> None:
        """The checklist was run on a trial that has ended."""

    def settle(self, finished: Iterable[TrialRecord]) -> None:
        """The study continues: `finished` are its trials in the ledger, whose end a killed driver may not have sent."""

    def finish_study(
        self,
        status: str,
        arms: Mapping[str, ArmSummary],
        answer: StudySummary,
        files: Sequence[str],
        when: float | None = None,
    ) -> None:
        """The study is over (`FINISHED`) or interrupted (`KILLED`); `arms` are those that have trials.

        `when` is when its last trial ended, so that sending it again changes nothing; None means now.
        """

    def close(self, timeout: float) -> str | None:
        """Wait for what is still to be delivered; what is left, in words, or None if all arrived."""
        return None
