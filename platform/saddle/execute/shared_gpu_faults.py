"""Which of the trials that shared a GPU through MPS is to blame for an error that all of them got.

CUDA reports a fatal error to every client on the GPU, without saying whose error it is. What is known: who got an error
of the MPS server's own only suffered from it, and the one to blame meets its error again on any GPU, while others
meet it only next to that one. So those that may be to blame run again one at a time, each until it has finished an
epoch. The trial in most faults is blamed; blame counts as a death of its worker, and the first few deaths are forgiven.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from saddle.trial.messages import GpuFaultMessage

WINDOW = 10.0
"""Seconds after the first word of a fault within which its other trials report it: a kernel may run that long."""

FREE = 8
"""How often a trial is resumed without being blamed: one whose GPU never works again would continue forever."""


@dataclass
class Fault:
    """An error on one GPU, and the trials that have reported it so far, in that order."""

    since: float
    words: list[GpuFaultMessage] = field(default_factory=list)


@dataclass
class SharedGpuFaults:
    """Gathers the words of each fault, and says who is blamed; trials wait here until they may run again."""

    open: dict[str, Fault] = field(default_factory=dict)
    """By GPU, those that may still be reported by further trials."""
    judged: dict[str, float] = field(default_factory=dict)
    """By GPU, until when a late word belongs to a fault that is over."""
    suspected: Counter[str] = field(default_factory=Counter)
    """In how many faults each trial may have been the one to blame, since it last finished an epoch."""
    freed: Counter[str] = field(default_factory=Counter)
    """How often each was resumed without being blamed."""
    innocent: list[str] = field(default_factory=list)
    """Trials that run again as any other."""
    suspects: list[str] = field(default_factory=list)
    """Trials that run again one at a time."""
    alone: str | None = None
    """The one of them that runs now."""
    blamed: list[GpuFaultMessage] = field(default_factory=list)
    """What is still to be counted against its trial."""

    def add(self, word: GpuFaultMessage, now: float | None = None) -> None:
        """Hear of a fault from one of its trials."""
        now = time.monotonic() if now is None else now
        self._leave(word.key)
        if word.maybe_own:
            self.suspected[word.key] += 1
        if now < self.judged.get(word.gpu, 0.0):
            self._free(word)
        else:
            self.open.setdefault(word.gpu, Fault(now)).words.append(word)

    def judge(self, now: float | None = None, *, at_once: bool = False) -> list[GpuFaultMessage]:
        """The words of those to blame for the faults that are over, or `at_once` for all."""
        now = time.monotonic() if now is None else now
        for gpu in [gpu for gpu, fault in self.open.items() if at_once or now - fault.since >= WINDOW]:
            fault = self.open.pop(gpu)
            self.judged[gpu] = fault.since + WINDOW
            guilty = self._guilty(fault.words)
            for word in fault.words:
                if word is guilty:
                    self.blamed.append(word)
                    self.suspects.append(word.key)
                else:
                    self._free(word)
        blamed, self.blamed = self.blamed, []
        return blamed

    def next(self) -> str | None:
        """The next trial to run again, of the suspects only while no other one runs; None if there is none."""
        if self.innocent:
            return self.innocent.pop(0)
        if self.alone is None and self.suspects:
            self.alone = self.suspects.pop(0)
            return self.alone
        return None

    def is_past(self, key: str) -> None:
        """The trial has finished an epoch: it did not meet its error again, and others need not wait for it."""
        self._leave(key)
        self.suspected.pop(key, None)

    def forget(self, key: str) -> None:
        """The trial has ended: an orphan on a lost machine may have ended one that waits here."""
        self.is_past(key)
        self.freed.pop(key, None)
        self.innocent = [trial for trial in self.innocent if trial != key]
        self.suspects = [trial for trial in self.suspects if trial != key]
        self.blamed = [word for word in self.blamed if word.key != key]
        for fault in self.open.values():
            fault.words = [word for word in fault.words if word.key != key]

    def holds(self) -> bool:
        """Whether any trial is still to run again."""
        return bool(self.open or self.innocent or self.suspects)

    def _leave(self, key: str) -> None:
        if self.alone == key:
            self.alone = None

    def _guilty(self, words: list[GpuFaultMessage]) -> GpuFaultMessage | None:
        """The trial in most faults, of equals the first to report; None where the server failed under all of them."""
        suspects = [word for word in words if word.maybe_own]
        return max(suspects, key=lambda word: self.suspected[word.key], default=None)

    def _free(self, word: GpuFaultMessage) -> None:
        """Resume the trial without blaming it, unless that was too often."""
        self.freed[word.key] += 1
        if self.freed[word.key] > FREE:
            self.blamed.append(word)
        (self.suspects if word.maybe_own else self.innocent).append(word.key)
