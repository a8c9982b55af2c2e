"""Epochs that are trained before the driver has heard of the one before, and stored meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from saddle.execute.worker import worker as worker_module
from saddle.execute.worker.pending_epoch import PendingEpoch, settled
from saddle.execute.worker.run_context import DataCache
from saddle.execute.worker.trial_runner import Training
from saddle.execute.worker.worker import InProcessWorker
from saddle.store.checkpoint.checkpoints import Checkpoints, Superseded
from saddle.store.local import LocalStore
from saddle.trial.messages import EndMessage, EpochMessage, FaultMessage, Message, StartMessage
from tests.saddle.execute.worker.test_trial_runner import manifest_of
from tests.support.waiting import wait_until

SECONDS = 30.0


def untimed(message: Message | PendingEpoch) -> Message:
    message = settled(message)
    return replace(message, seconds=0.0, time=0.0) if isinstance(message, EpochMessage) else message


class Gate:
    """Holds back every write of a checkpoint until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> None:
        self.opened, self.error = threading.Event(), error
        write = LocalStore.write

        def wait_and_write(store: LocalStore, path: str, content: bytes) -> None:
            if "checkpoints/epoch" in path:
                assert self.opened.wait(SECONDS), "nobody opened the gate"
                if self.error is not None:
                    raise self.error
            write(store, path, content)

        monkeypatch.setattr(LocalStore, "write", wait_and_write)


def test_the_messages_are_those_of_a_trial_that_waits(make_start: Any) -> None:
    waiting = [*Training(make_start("w", epochs=4), DataCache(None)).messages()]
    messages = [*map(settled, Training(make_start("a", epochs=4), DataCache(None), ahead=True).messages())]
    assert [untimed(replace(message, key="w")) for message in messages] == [*map(untimed, waiting)]
    assert manifest_of(make_start("a")).curve == manifest_of(make_start("w")).curve
    assert [saved.epoch for saved in manifest_of(make_start("a")).saved] == [3, 4]


def test_an_epoch_is_out_only_once_it_is_stored_and_the_next_is_trained_meanwhile(
    make_start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, start = Gate(monkeypatch), make_start(epochs=3)
    messages = Training(start, DataCache(None), ahead=True).messages()
    first = next(messages)
    assert isinstance(first, PendingEpoch)
    assert not first.written.done()
    assert manifest_of(start).epochs == 0
    reached: list[Any] = []
    second = threading.Thread(target=lambda: reached.append(next(messages)), daemon=True)
    second.start()
    second.join(0.5)
    assert not reached, "the second checkpoint waits for the first"
    gate.opened.set()
    second.join(SECONDS)
    assert isinstance(settled(first), EpochMessage)
    assert manifest_of(start).epochs >= 1
    assert [type(settled(message)) for message in messages] == [EpochMessage, EndMessage]
    assert manifest_of(start).epochs == 3


def test_a_failing_write_ends_the_trial_as_it_does_without(make_start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch, OSError(28, "No space left on device"))
    gate.opened.set()
    messages = Training(make_start(epochs=3), DataCache(None), ahead=True).messages()
    fault = settled(next(messages))
    assert isinstance(fault, FaultMessage)
    assert "No space left" in fault.why
    assert isinstance(settled(next(messages)), FaultMessage), "nor does it train on"


def test_an_orphan_hears_that_it_is_one(make_start: Any) -> None:
    start = make_start(epochs=4)
    messages = Training(start, DataCache(None), ahead=True).messages()
    assert isinstance(settled(next(messages)), EpochMessage)
    store = LocalStore(Path(start.placement.storage))
    Checkpoints.of_trial(store, start.spec.run, start.spec.key).claim(0.0)
    with pytest.raises(Superseded):
        [settled(message) for message in messages]


def test_a_dropped_trial_has_stored_what_it_was_writing(make_start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, start = Gate(monkeypatch), make_start(epochs=4)
    messages = Training(start, DataCache(None), ahead=True).messages()
    next(messages)
    threading.Timer(0.3, gate.opened.set).start()
    messages.close()
    assert manifest_of(start).epochs == 1


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcessWorker]:
    """A worker whose thread needs no Ray."""
    plain: Callable[..., Any] = lambda messages, start: messages  # noqa: E731
    monkeypatch.setattr(worker_module, "keeping_output", plain)
    monkeypatch.setattr(InProcessWorker, "_fit", InProcessWorker._serve)
    monkeypatch.setattr(worker_module, "note_exits", lambda: None)
    worker = InProcessWorker()
    yield worker
    worker.close()


def ahead(start: StartMessage) -> StartMessage:
    return replace(start, ahead=True)


def train_through(worker: InProcessWorker, start: StartMessage) -> list[Message]:
    worker.start(start)
    messages = [worker.step(SECONDS)]
    while isinstance(messages[-1], EpochMessage):
        messages.append(worker.step(SECONDS))
    worker.stop()
    return messages


@pytest.mark.usefixtures("_without_ray")
def test_a_worker_is_one_epoch_ahead_and_no_more(worker: InProcessWorker, make_start: Any) -> None:
    start = ahead(make_start("one", epochs=6))
    worker.start(start)
    assert worker.step(SECONDS).epoch == 1  # type: ignore[union-attr]
    wait_until(lambda: manifest_of(start).epochs == 2, "the second epoch", SECONDS)
    with pytest.raises(AssertionError):
        wait_until(lambda: manifest_of(start).epochs == 3, "a third epoch", 1.0)
    worker.stop()


@pytest.mark.usefixtures("_without_ray")
def test_what_was_trained_ahead_of_a_dropped_trial_is_not_taken_for_the_next(
    worker: InProcessWorker, make_start: Any
) -> None:
    for round_ in range(5):
        start = ahead(make_start(f"dropped-{round_}", epochs=50))
        worker.start(start)
        for epoch in range(1, 1 + round_):
            assert worker.step(SECONDS).epoch == epoch  # type: ignore[union-attr]
        worker.stop()
        messages = train_through(worker, ahead(make_start(f"whole-{round_}", epochs=3)))
        assert [message.key for message in messages] == [f"whole-{round_}"] * 4
        waiting = train_through(worker, make_start(f"waits-{round_}", epochs=2))
        assert [message.key for message in waiting] == [f"waits-{round_}"] * 3


@pytest.fixture
def _without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    from saddle.execute.worker import trial_runner
    from tests.support.in_process import outside_ray

    monkeypatch.setattr(trial_runner, "TrainRun", outside_ray)
