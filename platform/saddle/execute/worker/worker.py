"""A warm Ray Train worker: it waits for trials and trains one after the other, step by step as the driver says."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

from saddle.cluster.failures.worker_exit import note_exits
from saddle.execute.worker.malloc import keep_freed_memory
from saddle.execute.worker.output_capture import keeping_output
from saddle.execute.worker.pending_epoch import PendingEpoch, settled
from saddle.execute.worker.run_context import DataCache
from saddle.execute.worker.trial_runner import Training
from saddle.study.trainable.loading import load_trainable
from saddle.trainable_source import TrainableSource
from saddle.trial.messages import Message, StartMessage

START_SECONDS = 600.0
"""How long a worker may take until it can be handed a trial; a group waits for its resources meanwhile."""


class WorkerDied(Exception):
    """The worker's thread ended, so nothing will ever be reported again."""


class WorkerNotStarted(Exception):
    """The worker ended before it could take up a trial, so that no trial is to blame."""


class Worker(Protocol):
    """What a slot needs of the worker that trains behind it."""

    def prepare(self, source: TrainableSource) -> None:
        """Start, and import the trainable if it is installed, before there is a trial. Raises `WorkerNotStarted`."""

    def start(self, message: StartMessage) -> None:
        """Take up a trial; the one before must have ended or been stopped. Raises `WorkerNotStarted`."""

    def step(self, timeout: float | None = None) -> Message:
        """Train until the next message; raises `TimeoutError` after `timeout` seconds or `WorkerDied`."""

    def stop(self) -> None:
        """Drop the running trial, between two of its epochs."""

    def abandon(self) -> None:
        """Give up a trial whose step doesn't end; `start` follows, or this process ends."""

    def close(self) -> None:
        """End the worker once it is idle."""


@dataclass
class InProcessWorker:
    """A `TorchTrainer` in Train's local mode on a thread of this process.

    Train's context is global to the process, so a process has at most one of these, and it trains one trial at a time.
    Training only advances while `step` waits for it: a trial that is stopped costs nothing more. Where nothing can stop
    it early, it is one epoch ahead of that.
    """

    _starts: queue.Queue[StartMessage | None] = field(default_factory=lambda: queue.Queue(1))
    _go: queue.Queue[bool] = field(default_factory=queue.Queue)
    """True for every epoch that may be trained, and False at each trial's end."""
    _messages: queue.Queue[Message | PendingEpoch | BaseException] = field(default_factory=queue.Queue)
    _up: queue.Queue[BaseException | None] = field(default_factory=lambda: queue.Queue(1))
    _thread: threading.Thread | None = None
    _gate: threading.Lock = field(default_factory=threading.Lock)
    _stops: int = 0
    """How many trials were dropped that the thread has not left yet."""

    def prepare(self, source: TrainableSource) -> None:
        self._launch()
        if not source.is_own:
            load_trainable(source)

    def start(self, message: StartMessage) -> None:
        self._launch()
        if message.ahead:
            self._go.put(True)
        self._starts.put(message)

    def _launch(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._fit, name="saddle-worker", daemon=True)
            self._thread.start()
            self._await_start()

    def _await_start(self) -> None:
        try:
            error = self._up.get(timeout=START_SECONDS)
        except queue.Empty:
            raise WorkerNotStarted(f"Ray Train's local mode did not begin within {START_SECONDS:g} s") from None
        if error is not None:
            raise WorkerNotStarted(f"{type(error).__name__}: {error}") from error

    def step(self, timeout: float | None = None) -> Message:
        self._go.put(True)
        try:
            message = self._messages.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError(f"no epoch ended within {timeout:g} s") from None
        if isinstance(message, BaseException):
            raise WorkerDied("the training thread ended") from message
        return settled(message)

    def stop(self) -> None:
        with self._gate:
            self._stops += 1
            self._drop_messages()
        self._go.put(False)

    def _drop_messages(self) -> None:
        """Forget an epoch that was trained ahead: it is for no `step` of another trial. An end of the thread stays."""
        for _ in range(self._messages.qsize()):
            message = self._messages.get_nowait()
            if isinstance(message, BaseException):
                self._messages.put(message)

    def abandon(self) -> NoReturn:
        """End the process, for a thread can't be killed; Tune starts another one for the trial."""
        os._exit(1)

    def close(self) -> None:
        if self._thread is not None:
            self._starts.put(None)
            self._thread.join(timeout=10)

    def _fit(self) -> None:
        """Run `_serve` as Ray Train's training function; an error that ends it early reaches `step`."""
        try:
            from ray.train import ScalingConfig
            from ray.train.torch import TorchTrainer

            TorchTrainer(self._serve, scaling_config=ScalingConfig(num_workers=0)).fit()
        except BaseException as error:  # the slot must be notified, or it would wait forever
            with contextlib.suppress(queue.Full):  # then it is up, and waits for a message
                self._up.put_nowait(error)
            self._messages.put(error)

    def _serve(self) -> None:
        import torch

        keep_freed_memory()
        note_exits()
        self._up.put(None)
        cache: DataCache | None = None
        while (start := self._starts.get()) is not None:
            if cache is None or cache.root != start.placement.data_root:
                cache = DataCache(start.placement.data_root)
            torch.set_num_threads(start.placement.threads)
            messages = keeping_output(Training(start, cache, ahead=start.ahead).messages(), start)
            while self._go.get():
                self._advance(messages)
            messages.close()
            with self._gate:
                self._stops -= 1

    def _advance(self, messages: Iterator[Message | PendingEpoch]) -> None:
        """Train until the next message; a trial that was dropped is left alone."""
        message = None if self._stops else next(messages, None)
        with self._gate:
            if message is not None and not self._stops:
                self._messages.put(message)
