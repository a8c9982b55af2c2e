"""A slot: the Tune trainable that lives through many trials and keeps a warm worker behind it."""

from __future__ import annotations

import json
import logging
import signal
import time
from collections.abc import Mapping
from typing import Any

from ray import tune

from saddle.cluster.capacity.resources import needs_group
from saddle.cluster.credentials import adopt_credentials
from saddle.execute.worker.errand import ANSWER, ERRAND, run_errand
from saddle.execute.worker.group import GroupWorker
from saddle.execute.worker.worker import InProcessWorker, Worker
from saddle.redaction import redact_logs, redacting
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.infrastructure_errors import infrastructure_error
from saddle.store.open import open_store
from saddle.trainable_source import TrainableSource
from saddle.trial.messages import EndMessage, EpochMessage, FaultMessage, Message, StartMessage, dump_message
from saddle.trial.outcome import Outcome
from saddle.trial.placement import Placement

START = "start"
MESSAGE = "message"
WARM_UP = "warm_up"
"""A placement and a trainable, for a slot that gets ready for the trials of any study."""
PAUSE = 0.1
"""Seconds between two steps of a slot that is ready."""

log = logging.getLogger(__name__)


def make_worker(placement: Placement) -> Worker:
    """A worker on a thread of this process, or for a GPU or several workers a group of processes."""
    if needs_group(placement.workers, placement.gpus_per_worker):
        return GroupWorker(placement)
    return InProcessWorker()


class Slot(tune.Trainable):
    """Each `step` is the next message of the trial it holds; `reset_config` hands it the next trial.

    A trial begins with its first step. Tune hands a trial whose slot is still being made to one that has become free,
    and still lets the new one be made: what began there would be a second attempt of the same trial.
    """

    @redacting()
    def setup(self, config: dict[str, Any]) -> None:
        # a Ctrl-C in the terminal is the driver's to handle; it reaches every process of the group
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        redact_logs()
        self.worker: Worker | None = None
        self.holding = False
        self._take(config)
        if self.waiting is not None:
            self._make_ready(self.waiting.placement, self.waiting.trainable)

    def _take(self, config: Mapping[str, Any]) -> None:
        """Take up what Tune hands on: a trial, an errand, or only to get ready for one of them."""
        self.errand: str | None = config.get(ERRAND)
        self.warming = WARM_UP in config
        self.waiting: StartMessage | None = StartMessage.parse(config[START]) if START in config else None
        if self.warming:
            wanted = json.loads(config[WARM_UP])
            self._make_ready(Placement(**wanted["placement"]), TrainableSource.parse(wanted["trainable"]))

    def _make_ready(self, placement: Placement, trainable: TrainableSource) -> None:
        """Start the worker; why it did not start is reported by the first trial, which tries again."""
        worker = self.worker or make_worker(placement)
        try:
            worker.prepare(trainable)
            self.worker = worker
        except Exception as error:
            log.info("the worker did not start: %s", error)

    def _begin(self, start: StartMessage) -> None:
        self.message, self.spec, self.placement = start, start.spec, start.placement
        self.worker = self.worker or make_worker(self.placement)
        adopt_credentials(self.placement.storage)
        self.trouble: Exception | None = None
        try:
            self.worker.start(start)
        except Exception as error:  # Tune hands on what a step raises; of a constructor's error only the text is left
            self.trouble = error
        self.holding = self.trouble is None
        self.spent = 0.0
        self.attempt = 0

    @redacting()
    def step(self) -> dict[str, Any]:
        """The trial's next message; raises what is neither the trial's fault nor that of machine, disk or network."""
        if self.warming:  # until the driver ends it
            time.sleep(PAUSE)
            return {"done": False}
        if self.errand is not None:
            return {ANSWER: run_errand(self.errand), "done": True}
        if self.waiting is not None:
            self._begin(self.waiting)
            self.waiting = None
        try:
            message = self._next_message()
        except Exception as error:
            fault = infrastructure_error(error)
            if fault is None:
                raise
            message = FaultMessage(self.spec.key, self.attempt, str(fault))
            self.holding = False  # the worker may be in any state
        has_ended = not isinstance(message, EpochMessage)
        if has_ended:
            self._drop()
        epoch = message.epoch if isinstance(message, EpochMessage) else 0
        return {MESSAGE: dump_message(message), "done": has_ended, "epoch": epoch}

    def _next_message(self) -> Message:
        if self.trouble is not None:
            raise self.trouble
        limit = self.placement.time_limit
        if limit is not None and self.spent > limit:
            why = f"{self.spent:.0f} s of training, more than the {limit:g} s allowed"
            return EndMessage(self.spec.key, self.attempt, str(Outcome.TIMED_OUT), why)
        assert self.worker is not None
        try:
            message = self.worker.step(timeout=limit)
        except TimeoutError as error:
            # the next worker of the trial only ends it
            store = open_store(self.placement.storage, create=False)
            checkpoints = Checkpoints.of_trial(store, self.spec.run, self.spec.key, self.placement.token)
            checkpoints.give_up(Outcome.TIMED_OUT, str(error))
            self.worker.abandon()
            self.worker.start(self.message)
            message = self.worker.step()
        self.attempt = message.attempt
        self.spent = message.seconds if isinstance(message, EpochMessage) else 0.0
        return message

    @redacting()
    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._drop()
        self._take(new_config)
        return True

    def _drop(self) -> None:
        """Let the worker drop the trial that it holds, if any."""
        if self.holding and self.worker is not None:
            self.worker.stop()
        self.holding = False

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:
        """Nothing: the worker stores checkpoints itself, before it reports an epoch."""
        return {}

    def load_checkpoint(self, checkpoint: dict[str, Any] | None) -> None:
        """Nothing, see `save_checkpoint`."""

    def cleanup(self) -> None:
        self._drop()
        if self.worker is not None:
            self.worker.close()
