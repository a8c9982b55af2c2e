"""How often a trial whose workers die is resumed, in training and in measuring."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

RESTARTS = 3
"""How often a trial whose worker died is resumed from its checkpoint; a machine that goes away doesn't count."""


class Restart(Enum):
    """What is to be done after a death."""

    AGAIN = "again"
    """The trial continues from its checkpoint."""
    GIVE_UP = "give up"
    """It has died too often, and is not resumed."""
    NEVER_STARTS = "never starts"
    """So many workers in a row could not even take it up that none ever will, regardless of the trial."""


@dataclass
class RestartPolicy:
    """Counts the deaths of each trial's workers, by the trial's key; `restarts` of them are forgiven.

    How often a trial was taken up in all, for any reason, is `TrialProgress.attempts`: a number that distinguishes
    its attempts, and decides nothing.
    """

    restarts: int = field(default_factory=lambda: RESTARTS)
    deaths: Counter[str] = field(default_factory=Counter)
    unheard: Counter[str] = field(default_factory=Counter)
    """How many workers in a row died before they said a word of the trial."""

    def on_message(self, key: str) -> None:
        """A worker spoke of the trial, so that workers do start."""
        self.unheard.pop(key, None)

    def on_death(self, key: str, *, started: bool = True) -> Restart:
        """Count a death. One that had not `started`, or only had to say that the trial is given up, is none of its."""
        if not started or self.deaths[key] > self.restarts:
            self.unheard[key] += 1
            return Restart.NEVER_STARTS if self.unheard[key] > self.restarts else Restart.AGAIN
        self.deaths[key] += 1
        return Restart.GIVE_UP if self.deaths[key] > self.restarts else Restart.AGAIN
