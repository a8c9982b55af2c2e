"""The cost of an epoch for a worker, its checkpoint and its manifest, early and late in a trial (`make bench`)."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from saddle.execute.worker.run_context import DataCache
from saddle.execute.worker.trial_runner import Training
from saddle.store.checkpoint.curve import CHUNK
from saddle.trainable_source import TrainableSource
from saddle.trial.messages import EndMessage, StartMessage
from saddle.trial.placement import Placement
from saddle.trial.run_id import RunId
from saddle.trial.spec import TrialSpec

EPOCHS = int(os.environ.get("SADDLE_BENCH_EPOCHS", "2100"))
EARLY, LATE = 20, EPOCHS - 100
"""The start of a window of one chunk: a manifest grows and shrinks by as much in each."""


def seconds_of_epochs(folder: str) -> list[float]:
    """Train a trial of many epochs, and return the seconds of each."""
    start = StartMessage(
        TrialSpec("t", RunId("s"), {}, 0, params={"epochs": EPOCHS}), Placement(folder), TrainableSource("parabola"),
        select=("validation/score", "maximize"), required=("validation/score",),
    )  # fmt: skip
    messages = Training(start, DataCache(None)).messages()
    seconds = []
    began = time.perf_counter()
    for message in messages:
        if isinstance(message, EndMessage):
            assert message.outcome == "completed", message.why
            break
        now = time.perf_counter()
        seconds.append(now - began)
        began = now
    return seconds


def test_an_epoch_costs_the_same_early_and_late() -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        seconds = seconds_of_epochs(folder)
    early, late = (statistics.median(seconds[start : start + CHUNK]) for start in (EARLY, LATE))
    print(
        f"\nepoch {EARLY}: {1000 * early:.2f} ms, epoch {LATE}: {1000 * late:.2f} ms, ratio {late / early:.2f}; "
        f"{EPOCHS} epochs in {sum(seconds):.0f} s"
    )
    assert len(seconds) == EPOCHS
    assert late <= 1.5 * early
