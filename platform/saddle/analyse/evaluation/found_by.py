"""Failures by attack: the shares of test samples that each of them was the first to break."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from saddle.analyse.evaluation.evaluations import ATTACKS
from saddle.analyse.evaluation.predictions import Read, read_array
from saddle.errors import Damaged, ForeignPath
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord

FOUND_BY = "found_by"
"""The array (N,) int16: -1 robust, 0 wrong on the clean sample, k > 0 broken first by the attack of order k."""

MOST_READ = 1000
"""Trials whose arrays are read for a report."""


@dataclass(frozen=True)
class FailuresFound:
    """Of a group of trials, in the mean over them: shares of all samples."""

    name: str
    trials: int
    samples: int
    clean_errors: float
    attacks: Mapping[str, float]
    """By attack, in the order of running."""

    @property
    def robust(self) -> float:
        """What no attack broke."""
        return 1 - self.clean_errors - sum(self.attacks.values())


def failures_found(groups: Mapping[str, Sequence[TrialRecord]], read: Read) -> list[FailuresFound]:
    """The failures of each group, such as an arm, over the completed trials that say which attack found them."""
    stored = {name: [entry for entry in entries if says(entry)] for name, entries in groups.items()}
    if sum(map(len, stored.values())) > MOST_READ:
        return []
    failures = []
    for name, entries in stored.items():
        by_trial = [counts for counts in (_counted(entry, read) for entry in entries) if counts is not None]
        if by_trial:
            attacks = dict.fromkeys(attack for _, _, shares in by_trial for attack in shares)
            failures.append(
                FailuresFound(
                    name,
                    len(by_trial),
                    max(samples for samples, _, _ in by_trial),
                    fmean(clean for _, clean, _ in by_trial),
                    {attack: fmean(shares.get(attack, 0.0) for _, _, shares in by_trial) for attack in attacks},
                )
            )
    return failures


def says(entry: TrialRecord) -> bool:
    """Whether a trial stores which attack found each failure, and the order of the attacks."""
    return entry.outcome == Outcome.COMPLETED and FOUND_BY in entry.arrays and bool(order_of(entry))


def order_of(entry: TrialRecord) -> dict[int, str]:
    """The attacks of a trial's test by the number that they have in its `found_by`."""
    attacks = entry.fingerprints.get(ATTACKS)
    if not isinstance(attacks, Mapping):
        return {}
    numbered = {
        facts["order"]: str(name)
        for name, facts in attacks.items()
        if isinstance(facts, Mapping) and isinstance(facts.get("order"), int)
    }
    return dict(sorted(numbered.items()))


def _counted(entry: TrialRecord, read: Read) -> tuple[int, float, dict[str, float]] | None:
    """Samples, the share wrong when clean, and the share that each attack broke first; None if it can't be read."""
    try:
        first = read_array(entry.arrays[FOUND_BY], read)
    except (FileNotFoundError, Damaged, ForeignPath, ValueError):
        return None
    if first.ndim != 1 or not len(first):
        return None
    shares = {name: float(np.mean(first == number)) for number, name in order_of(entry).items()}
    return len(first), float(np.mean(first == 0)), shares
