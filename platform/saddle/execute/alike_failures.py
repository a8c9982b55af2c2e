"""Whether the first trials of a study all fail with the same error, so that the others would, too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from saddle.errors import FailedAlike
from saddle.trial.failure import Failure, failure_of
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord

ENOUGH = 3
"""How many first trials with the same failure stop a study whose file gives no number."""


@dataclass
class AlikeFailures:
    """Counts failures with one exception at one line, or in the same words, until any trial ends in another way."""

    wanted: int | None
    """How many are enough, as the study file says; 0 for never, None for as many as usual."""
    earlier: Iterable[str] = ()
    """How trials of earlier runs ended."""
    _keys: list[str] = field(default_factory=list)
    _failure: Failure | None = None

    def __post_init__(self) -> None:
        self.limit = ENOUGH if self.wanted is None else self.wanted
        self._over = not self.limit or any(outcome != Outcome.FAILED for outcome in self.earlier)

    def count(self, record: TrialRecord) -> FailedAlike | None:
        """Take in a trial that ended; the error to stop the study with if it is one too many."""
        failure = failure_of(record.why) if record.outcome == Outcome.FAILED else None
        if failure is None or not failure.is_of_code or self._failure not in (None, failure):
            self._over = True
        if self._over or failure is None:
            return None
        self._failure = failure
        self._keys.append(record.key)
        return self._error(record, failure) if len(self._keys) == self.limit else None

    def _error(self, record: TrialRecord, failure: Failure) -> FailedAlike:
        message = next((line for line in reversed(record.why.splitlines()) if line.strip()), failure.kind).strip()
        at = f" ({failure.place})" if failure.place else ""
        return FailedAlike(
            f"the first {self.limit} trials of {record.study} failed in the same way, so the study was stopped: "
            f"{message}{at}\nWhat one of them printed, and its traceback: saddle logs {record.study}/{record.key}\n"
            "Once that is fixed, the same command with --retry failed continues; budget.failures_alike: 0 in the study "
            "file runs all trials regardless."
        )
