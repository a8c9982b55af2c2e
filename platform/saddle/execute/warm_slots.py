"""The slots that the studies of a file share: started while the driver prepares, and warm until the last study ends."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from saddle.cluster.capacity.resources import needs_group, slot_bundle
from saddle.errors import InfrastructureError
from saddle.execute.handover import Handover, Turn
from saddle.execute.scheduler import Scheduler
from saddle.execute.worker.errand import Errand
from saddle.study.models import Study
from saddle.trial.placement import Placement

CLOSE_SECONDS = 60.0
"""How long the slots may take to end before the end of Ray ends them."""

LOOK_SECONDS = 1.0


class SlotRun:
    """Slots of one shape: a run of Tune on a separate thread."""

    def __init__(self, study: Study, placement: Placement, slots: int = 0) -> None:
        self.shape = shape_of(placement)
        self.handover = Handover(slots, lambda: warm_up(study, placement))
        self.error: BaseException | None = None
        # not on the thread: two that import Ray's modules get in each other's way
        from saddle.execute.tune_run import run_tune

        self._bundle = slot_bundle(study.resources, placement.machine)
        self._thread = threading.Thread(target=self._run, args=(run_tune, study.study), name="saddle-tune", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether it takes no more studies."""
        return self.handover.finished or not self._thread.is_alive()

    def train(self, scheduler: Scheduler, slots: int, *, last: bool) -> None:
        """Run every trial that a study has, and wait for the last; raises what ended Tune's loop."""
        turn = Turn(scheduler, slots, last)
        self.handover.begin(turn)
        while not turn.over.wait(LOOK_SECONDS) and self._thread.is_alive():
            pass
        if self.error is not None:
            raise self.error
        if not turn.over.is_set():
            raise InfrastructureError("Ray Tune ended before the study's first trial; the same command continues")

    def close(self, seconds: float) -> None:
        """End the slots, and wait that long until they have ended."""
        self.handover.close()
        self._thread.join(seconds)

    def call(self, errands: Sequence[Errand], seconds: float) -> None:
        """Let slots do errands, and wait at most so long for all of them."""
        self.handover.send(errands)
        until = time.monotonic() + seconds
        for errand in errands:
            errand.over.wait(max(0.0, until - time.monotonic()))

    def _run(self, run_tune: Callable[[Handover, dict[str, float], str], None], name: str) -> None:
        try:
            run_tune(self.handover, self._bundle, name)
        except BaseException as error:  # raised where a study waits for it
            self.error = error
        finally:
            self.handover.end()


class WarmSlots:
    """The slots of the studies that one driver runs; they are recreated where a study wants others."""

    def __init__(self) -> None:
        self._run: SlotRun | None = None
        self.kept = False
        """Whether slots outlive the study that is trained; otherwise each ends with its last trial, as others wait."""

    def start(self, study: Study, placement: Placement, slots: int) -> None:
        """Begin to start as many slots as the study will want, without waiting for them."""
        self.release()
        self._run = SlotRun(study, placement, slots)

    def train(self, scheduler: Scheduler, slots: int, machine: str | None = None) -> None:
        """Run every trial the scheduler proposes, `slots` at a time, until there are no more or it was asked to stop.

        All on nodes of one kind of `machine`, if any. Raises what ended the study (`Scheduler.failure`).
        """
        while True:
            self._train(scheduler, slots, replace(scheduler.placement, machine=machine))
            if scheduler.failure is not None:
                raise scheduler.failure
            if scheduler.stopping or not scheduler.has_lost:  # lost after Tune had got the end of the trials
                return

    def _train(self, scheduler: Scheduler, slots: int, placement: Placement) -> None:
        if self._run is None or self._run.is_over or self._run.shape != shape_of(placement):
            self.release()
            self._run = SlotRun(scheduler.study, placement)
        self._run.train(scheduler, slots, last=not self.kept)

    def call(self, errands: Sequence[Errand], seconds: float) -> bool:
        """Let warm slots call functions (see `Errand`); False if there are none, or they only hold worker groups.

        Those there are then end, so that the cluster has room for the calls.
        """
        run = self._run
        if run is None or run.is_over or needs_group(run.shape.workers, run.shape.gpus_per_worker):
            self.release()
            return False
        run.call(errands, seconds)
        if not all(errand.over.is_set() for errand in errands):
            self.release()
        return True

    def release(self, seconds: float = CLOSE_SECONDS) -> None:
        """End the slots that there are: what they hold of the cluster is wanted for something else, or nothing."""
        run, self._run = self._run, None
        if run is not None:
            run.close(seconds)


@contextmanager
def warm_slots() -> Iterator[WarmSlots]:
    """Slots that end with the block."""
    slots = WarmSlots()
    try:
        yield slots
    finally:
        slots.release()


def shape_of(placement: Placement) -> Placement:
    """What trials of two studies must have in common to run in the same slots."""
    return replace(placement, time_limit=None, token=None)


def warm_up(study: Study, placement: Placement) -> dict[str, Any]:
    """What a slot gets that is to start its worker and import what the study trains."""
    from saddle.execute.worker.slot import WARM_UP

    return {WARM_UP: json.dumps({"placement": asdict(placement), "trainable": asdict(study.source)})}
