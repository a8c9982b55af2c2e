"""A whole study run by saddle's own driver in this process: all is real but Ray, which takes a minute to start."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from saddle.execute import driver, remeasurement
from saddle.execute.driver import Options, StudyResult, run_study
from saddle.execute.remeasurement import Options as MeasuringOptions
from saddle.execute.remeasurement import Remeasurement, remeasure
from saddle.execute.remeasurement_task import EvaluationRun, Measured, measure_again
from saddle.execute.remeasurement_task import Order as MeasuringOrder
from saddle.execute.scheduler import Scheduler
from saddle.execute.worker import trial_runner
from saddle.execute.worker.run_context import DataCache
from saddle.execute.worker.slot import MESSAGE, ORDER
from saddle.execute.worker.trial_runner import Training
from saddle.store.base import Store
from saddle.studyfile.loader import parse_studies
from saddle.trial.messages import EpochMessage, Order, dump_message


def outside_ray(seed: int, cache: DataCache, state: Any = None, alone: bool = False) -> EvaluationRun:
    """The `run` of a trial in this process, where Ray Train's is not to be had."""
    return EvaluationRun(seed=seed, state=state, cache=cache)


def train_all(scheduler: Scheduler, slots: int) -> None:
    """Train one trial after the other and tell the scheduler what a slot would tell it."""
    trial: Any = None  # Tune's, which the scheduler doesn't look into
    while (proposal := scheduler.propose()) is not None:
        order = Order.parse(scheduler.order(proposal)[ORDER])
        for message in Training(order, DataCache(None)).messages():
            result = {MESSAGE: dump_message(message)}
            if not isinstance(message, EpochMessage):
                scheduler.on_end(result)
            elif scheduler.on_epoch(trial, result):
                break


def run_in_process(store: Store, text: str, *, fresh: bool = False, track: bool = True) -> list[StudyResult]:
    """Run the studies written in `text` on two CPUs that nobody asks for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "run_all", train_all)
        patch.setattr(remeasurement, "measure_all", measure_in_turn)
        patch.setattr(trial_runner, "TrainRun", outside_ray)
        options = Options(fresh=fresh, track=track)
        return [run_study(study, store, [{"CPU": 2.0}], options) for study in parse_studies(text, "studies.yaml")]


def measure_in_turn(orders: Sequence[MeasuringOrder], slots: int, resources: Any) -> Iterator[Measured]:
    """What came of each order, one after the other in this process, as JSON brings it."""
    cache = DataCache(None)
    for order in orders:
        yield Measured.parse(measure_again(MeasuringOrder.parse(order.dump()), cache).dump())


def measure_in_process(store: Store, name: str, *changes: str, **options: Any) -> Remeasurement:
    """Measure the trials of a stored study again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remeasurement, "measure_all", measure_in_turn)
        patch.setattr(remeasurement, "connect", lambda *args, **named: contextlib.nullcontext([{"CPU": 2.0}]))
        patch.setattr(remeasurement, "require_shared_storage", lambda store: None)
        return remeasure(store, name, changes, MeasuringOptions(**options))
