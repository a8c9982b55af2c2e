"""How trials ended: which records count where some were run again (`--retry`), and whether all failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from saddle.analyse.best import trial_order
from saddle.analyse.text.formatting import listed
from saddle.study.values import canonical
from saddle.trial.outcome import FAILURES, RETRYABLE
from saddle.trial.record import TrialRecord


def without_retried(entries: Sequence[TrialRecord]) -> Sequence[TrialRecord]:
    """The records without those that failed or timed out and were tried again: of a retried trial the latest counts.

    A search tries the settings again as a new trial with a number of its own, and its ledger keeps both; so a later
    trial with the same settings, seed, arm and block replaces the earlier one.
    """
    if not any(entry.outcome in RETRYABLE for entry in entries):
        return entries
    latest = {_trial(entry): entry.key for entry in sorted(entries, key=trial_order)}
    return [entry for entry in entries if entry.outcome not in RETRYABLE or latest[_trial(entry)] == entry.key]


def all_failed(entries: Sequence[TrialRecord]) -> bool:
    """Whether trials have ended and every one of them failed, in any way."""
    return bool(entries) and all(entry.outcome in FAILURES for entry in entries)


def ended(entries: Sequence[TrialRecord]) -> str:
    """How many trials ended in each way: `5 failed and 1 collapsed`."""
    counts = Counter(str(entry.outcome).replace("_", " ") for entry in entries)
    return listed(f"{count} {outcome}" for outcome, count in counts.most_common())


def _trial(entry: TrialRecord) -> str:
    return canonical([dict(entry.settings), entry.seed, entry.arm, dict(entry.block)])
