"""Between the driver, which prepares and ends studies, and Tune's loop on another thread, which runs their trials."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from saddle.errors import InfrastructureError
from saddle.execute.scheduler import Scheduler
from saddle.execute.worker.errand import ERRAND, Errand

Propose = Callable[[Scheduler], dict[str, Any] | None]

IDLE_SECONDS = 3600.0
"""How long Tune's loop waits for a study before it looks again; a study that begins wakes it."""

WARM_UP_SECONDS = 180.0
"""How long slots that have started wait for the others, which Tune would drop as soon as one is free."""


@dataclass
class Turn:
    """The time that a study has on the slots: from its first trial until the last one has ended."""

    scheduler: Scheduler
    slots: int
    """How many trials run at the same time."""
    last: bool = False
    """Whether no other study comes after it: each slot ends with its last trial, and is not kept for anything."""
    over: threading.Event = field(default_factory=threading.Event)


class Handover:
    """Hands studies to Tune's loop, one after the other.

    Only one of the two threads is at work on a study at any time: the driver's waits for a turn to be `over`, and
    Tune's does nothing while there is none. `warm_up` gives the configuration of a Tune trial that only starts a slot;
    the first `slots` ones are such. Between two turns slots take errands.
    """

    def __init__(self, slots: int = 0, warm_up: Callable[[], dict[str, Any]] = dict) -> None:
        self.turn: Turn | None = None
        self.closing = False
        """Whether everything is to end immediately, running trials included."""
        self.finished = False
        """Whether there will be no further trial."""
        self.live: set[str] = set()
        """Tune's names of the trials that it runs, those that start slots included."""
        self.warming: set[str] = set()
        """Those that start slots and have not started."""
        self.errands: dict[str, Errand] = {}
        """The running errands, by Tune's names of their trials."""
        self._waiting: list[Errand] = []
        self._slots = 1
        self._cold, self._warm_up = slots, warm_up
        self._since = time.monotonic()
        self._changed = threading.Condition()

    # the driver's side

    def begin(self, turn: Turn) -> None:
        """Let Tune's loop run the trials of a study."""
        with self._changed:
            self.turn, self._slots = turn, turn.slots
            self._changed.notify_all()

    def send(self, errands: Sequence[Errand]) -> None:
        """Let slots call functions."""
        with self._changed:
            self._waiting += errands
            self._changed.notify_all()

    def close(self) -> None:
        """Let Tune's loop end, with everything that is running."""
        with self._changed:
            self.closing = self.finished = True
            self._changed.notify_all()

    # the side of Tune's loop

    @property
    def scheduler(self) -> Scheduler | None:
        """That of the study whose turn it is."""
        return self.turn.scheduler if self.turn is not None else None

    def next_config(self, trial: str, propose: Propose) -> dict[str, Any] | None:
        """What Tune's trial of this name is to do; None if there is nothing for now, or, if `finished`, ever.

        Waits while nothing is running and no study has its turn: Tune itself would ask once a second.
        """
        while not self.finished:
            turn = self.turn  # read a single time: another may begin at any moment after this one
            config = self._config(trial, turn, propose)
            if config is not None:
                self.live.add(trial)
                return config
            self.finished = turn is not None and turn.last and len(self.live) < turn.slots
            if self.live or self.finished:
                return None
            if turn is not None:
                self.end_turn()
            with self._changed:
                if not self._changed.wait_for(self._has_work, IDLE_SECONDS):
                    return None
        return None

    def _has_work(self) -> bool:
        return self.finished or self.turn is not None or bool(self._waiting)

    def _config(self, trial: str, turn: Turn | None, propose: Propose) -> dict[str, Any] | None:
        if self._cold:
            return self._warm_up_of(trial)
        if len(self.live) >= self._slots:
            return None
        if self._waiting:
            self.errands[trial] = self._waiting.pop(0)
            return {ERRAND: self.errands[trial].dump()}
        return propose(turn.scheduler) if turn is not None else None

    def _warm_up_of(self, trial: str) -> dict[str, Any]:
        self._cold -= 1
        self.warming.add(trial)
        return self._warm_up()

    def warmed_up(self, trial: str) -> bool:
        """The slot of this trial has started; whether it need not wait for others."""
        self.warming.discard(trial)
        return not self.warming or time.monotonic() - self._since > WARM_UP_SECONDS

    def ended(self, trial: str) -> None:
        """Tune's trial of this name is over, however it ended."""
        self.warming.discard(trial)
        self.live.discard(trial)

    def end_errand(self, trial: str, answer: Any = None, error: BaseException | None = None) -> None:
        """The errand of this trial, if it is one that has not ended yet, came to an answer or an error."""
        errand = self.errands.pop(trial, None)
        if errand is not None:
            errand.end(answer, error)

    def end(self) -> None:
        """Tune's loop has ended; what still waits for it gets an error."""
        self.closing = self.finished = True
        self.end_turn()
        for errand in (*self.errands.values(), *self._waiting):
            errand.end(error=InfrastructureError("the slots have ended"))

    def resize(self, slots: int) -> None:
        """So many trials run at the same time from now on: nodes have joined or left, or few trials are left."""
        if self.turn is not None:
            self.turn.slots = self._slots = slots

    def end_turn(self) -> None:
        """The study has no running trial and gets no more; its driver continues."""
        turn, self.turn = self.turn, None
        if turn is not None:
            turn.over.set()
