"""A whole study run by saddle's own driver in this process: all is real except Ray, which takes a minute to start."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from saddle.execute import driver, remeasurement
from saddle.execute.driver import EndedStudy, Options, run_study
from saddle.execute.remeasurement import Options as MeasuringOptions
from saddle.execute.remeasurement import Remeasurement, remeasure
from saddle.execute.remeasurement_task import EvaluationRun, MeasuredMessage, MeasureMessage, measure_again
from saddle.execute.scheduler import Scheduler
from saddle.execute.warm_slots import WarmSlots
from saddle.execute.worker import trial_runner
from saddle.execute.worker.output_capture import keeping_output
from saddle.execute.worker.pending_epoch import settled
from saddle.execute.worker.run_context import DataCache
from saddle.execute.worker.trial_runner import Training
from saddle.store.base import Store
from saddle.studyfile.loader import parse_studies
from saddle.trial.messages import EpochMessage, StartMessage, dump_message, parse_message


def outside_ray(seed: int, cache: DataCache, state: Any = None, alone: bool = False) -> EvaluationRun:
    """The `run` of a trial in this process, without Ray Train."""
    return EvaluationRun(seed=seed, state=state, cache=cache)


def train_all(scheduler: Scheduler, warm: WarmSlots) -> None:
    """Train one trial after the other and send the scheduler the messages of a slot."""
    while (start := scheduler.propose()) is not None:
        scheduler.on_worker_start(start.spec.key)
        training = Training(StartMessage.parse(start.dump()), DataCache(None))
        with contextlib.closing(keeping_output(training.messages(), start)) as messages:
            for message in messages:
                heard = parse_message(dump_message(settled(message)))
                if not isinstance(heard, EpochMessage):
                    scheduler.on_end(heard)
                elif scheduler.on_epoch(heard) or scheduler.asked_to_stop():
                    break


def run_in_process(
    store: Store, text: str, *, fresh: bool = False, track: bool = True, **more: Any
) -> list[EndedStudy]:
    """Run the studies written in `text` on two unused CPUs; `more` are further options of the driver."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "run_all", train_all)
        patch.setattr(remeasurement, "measure_all", measure_in_turn)
        patch.setattr(trial_runner, "TrainRun", outside_ray)
        options = Options(fresh=fresh, track=track, **more)
        return [run_study(study, store, [{"CPU": 2.0}], options) for study in parse_studies(text, "studies.yaml")]


def measure_in_turn(messages: Sequence[MeasureMessage], slots: int) -> Iterator[MeasuredMessage]:
    """The result of each message, one after the other in this process, after a round trip through JSON."""
    cache = DataCache(None)
    for message in messages:
        yield MeasuredMessage.parse(measure_again(MeasureMessage.parse(message.dump()), cache).dump())


def measure_in_process(store: Store, name: str, *changes: str, **options: Any) -> Remeasurement:
    """Measure the trials of a stored study again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remeasurement, "measure_all", measure_in_turn)
        patch.setattr(remeasurement, "connect", lambda *args, **named: contextlib.nullcontext([{"CPU": 2.0}]))
        patch.setattr(remeasurement, "require_shared_storage", lambda store: None)
        return remeasure(store, name, changes, MeasuringOptions(**options))


def require_again(store: Store, text: str, *again: str) -> None:
    """Find trials to run again, as a run of the studies does first."""
    driver.require_named(store, parse_studies(text, "studies.yaml"), again)
