"""When a slot begins a trial: with its first step, since Tune may have given the trial to another slot until then."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from saddle.execute.worker import slot as module
from saddle.execute.worker.slot import START, Slot
from saddle.execute.worker.worker import WorkerNotStarted
from saddle.trainable_source import TrainableSource
from saddle.trial.messages import EndMessage, Message, StartMessage


@dataclass
class RecordedWorker:
    """Ends every trial at once and notes what it was asked for."""

    calls: list[str] = field(default_factory=list)
    unready: bool = False
    _key: str = ""

    def prepare(self, source: TrainableSource) -> None:
        self.calls.append("prepare")
        if self.unready:
            raise WorkerNotStarted("no room")

    def start(self, message: StartMessage) -> None:
        self._key = message.spec.key
        self.calls.append(f"start {self._key}")

    def step(self, timeout: float | None = None) -> Message:
        return EndMessage(self._key, 1, "completed", "")

    def stop(self) -> None:
        self.calls.append("stop")

    def abandon(self) -> None:
        raise AssertionError("nothing takes long here")

    def close(self) -> None:
        self.calls.append("close")


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedWorker]:
    worker, handler = RecordedWorker(), signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(module, "make_worker", lambda placement: worker)
    yield worker
    signal.signal(signal.SIGINT, handler)


def config_of(start: StartMessage) -> dict[str, Any]:
    return {START: start.dump()}


def test_a_slot_that_is_made_for_a_trial_begins_it_with_its_first_step(worker: RecordedWorker, make_start: Any) -> None:
    slot = Slot(config_of(make_start("a")))
    assert worker.calls == ["prepare"]
    assert slot.step()["done"] is True
    assert worker.calls == ["prepare", "start a", "stop"]


def test_a_slot_whose_trial_went_to_another_leaves_it_alone(worker: RecordedWorker, make_start: Any) -> None:
    slot = Slot(config_of(make_start("a")))
    slot.reset_config(config_of(make_start("b")))
    assert worker.calls == ["prepare"]
    slot.step()
    slot.cleanup()
    assert worker.calls == ["prepare", "start b", "stop", "close"]


def test_a_worker_that_was_not_ready_is_asked_again_by_the_trial(worker: RecordedWorker, make_start: Any) -> None:
    worker.unready = True
    slot = Slot(config_of(make_start("a")))
    assert slot.step()["done"] is True
    assert worker.calls == ["prepare", "start a", "stop"]
