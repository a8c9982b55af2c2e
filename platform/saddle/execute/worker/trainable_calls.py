"""Calls of a trainable's code within a trial; what they raise is the trial's failure, not the worker's end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from saddle.execute.worker.run_context import TrainRun
from saddle.study.trainable.loading import LoadedTrainable
from trainables.contract import Report


class TrainableExited(Exception):
    """The trainable raised something that would end the process, such as `SystemExit`."""


@contextlib.contextmanager
def exits_are_failures() -> Iterator[None]:
    """Turn what is no `Exception` into a `TrainableExited`: it ends the trial, not the worker that serves others, too.

    Around calls of the trainable only: at a `yield` of our own `GeneratorExit` is how a trial is dropped.
    """
    try:
        yield
    except Exception:
        raise
    except BaseException as error:  # SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, …
        raise TrainableExited(f"the trainable raised {type(error).__name__}({error})") from error


def reports_of(trainable: LoadedTrainable, config: Any, run: TrainRun) -> Iterator[Report]:
    """What the trainable reports, one epoch after the other."""
    over = object()
    with exits_are_failures():
        reports = iter(trainable.train(config, run))
    while True:
        with exits_are_failures():
            report: Any = next(reports, over)
        if report is over:
            return
        yield report


def evaluate_together(
    trainable: LoadedTrainable, config: Any, run: TrainRun, alone: TrainRun, state: Mapping[str, Any]
) -> Report:
    """The test report of a state; its attacks are shared out over the ranks of `run`, the rest is rank 0's `alone`."""
    if run.world_size == 1 or trainable.attack_test is None:
        return trainable.evaluate(config, state, alone)
    attacked = trainable.attack_test(config, state, run)
    if run.rank > 0:
        return attacked
    assert trainable.reevaluate is not None
    return trainable.reevaluate(config, state, alone, attacked)
