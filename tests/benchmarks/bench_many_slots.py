"""The driver's own CPU time with 256 logical slots: an epoch's report, a trial's proposal and end (`make bench`).

Slots, Tune and Ray are simulated: scheduler, recorder, ledger, progress and Optuna are measured in one process,
in processor seconds, which a busy machine doesn't change much. `docs/scaling.md` extrapolates the figures.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from saddle.archive.studies import StoredStudy
from saddle.cluster.capacity.slot_count import SlotCount
from saddle.execute.plan.setup import make_source
from saddle.execute.progress import Silent, start_progress
from saddle.execute.recorder import Recorder
from saddle.execute.scheduler import Scheduler
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.study.trainable.loading import load_trainable
from saddle.studyfile.loader import parse_studies
from saddle.track.base import Tracker
from saddle.trial.measurement import Measurement
from saddle.trial.messages import EndMessage, EpochMessage
from saddle.trial.placement import Placement
from saddle.trial.run_id import RunId

SLOTS = 256
TRIALS = int(os.environ.get("SADDLE_BENCH_TRIALS", "3000"))
EPOCHS = 3
WINDOW = TRIALS // 6

STUDY = f"""
study: wide
trainable: parabola
fixed: {{epochs: {EPOCHS}}}
search: {{x: {{float: [0.0, 1.0]}}, bend: {{float: [0.0, 1.0]}}}}
objective: {{maximize: validation/score}}
sampler: {{SAMPLER}}
budget: {{trials: {TRIALS}}}
"""


@dataclass
class Cost:
    """Processor seconds of each call of one kind, in their order."""

    seconds: list[float] = field(default_factory=list)

    def milliseconds(self, first: int, last: int) -> float:
        return 1000 * float(np.mean(self.seconds[first:last]))

    def early_and_late(self) -> tuple[float, float]:
        window = len(self.seconds) // 6
        return self.milliseconds(window, 2 * window), self.milliseconds(len(self.seconds) - window, len(self.seconds))


def make_scheduler(folder: Path, sampler: str) -> Scheduler:
    [study] = parse_studies(STUDY.replace("{SAMPLER}", sampler), "wide.yaml")
    store, run, trainable = LocalStore(folder), RunId("wide"), load_trainable("parabola")
    ledger = Ledger(store, run)
    source = make_source(StoredStudy(study, run, None), store, ledger, ())
    keeper = start_progress(study, run, trainable, store, [], source, SLOTS, Silent())
    recorder = Recorder(ledger, Tracker(), keeper, {}, trainable)
    slots = SlotCount(study, [{"CPU": 2.0}] * (SLOTS // 2))
    return Scheduler(study, trainable, source, recorder, Placement(store.url), slots)


def run_all(scheduler: Scheduler) -> dict[str, Cost]:
    """Run as many trials at a time as there are slots, each reporting in turn, until there are no more."""
    costs = {what: Cost() for what in ("propose", "epoch", "end")}
    under_way: deque[tuple[str, int]] = deque()

    def timed(what: str, call: object, *arguments: object) -> object:
        since = time.process_time()
        result = call(*arguments)  # type: ignore[operator]
        costs[what].seconds.append(time.process_time() - since)
        return result

    while True:
        while len(under_way) < min(SLOTS, scheduler.at_once):
            start = timed("propose", scheduler.propose)
            if start is None:
                break
            under_way.append((start.spec.key, 1))  # type: ignore[attr-defined]
        if not under_way:
            return costs
        key, epoch = under_way.popleft()
        score = {"validation/score": 1 - hash(key) % 1000 / 1000}
        timed("epoch", scheduler.on_epoch, EpochMessage(key, 1, epoch, score, 1.0, time.time()))
        if epoch < EPOCHS:
            under_way.append((key, epoch + 1))
        else:
            timed(
                "end", scheduler.on_end, EndMessage(key, 1, "completed", "", Measurement({**score, "test/score": 1.0}))
            )


@pytest.mark.timeout(0)
@pytest.mark.parametrize("sampler", ["{random: {seed: 0}}", f"{{tpe: {{startup_trials: {SLOTS}, seed: 0}}}}"])
def test_an_epochs_report_costs_the_same_however_many_trials(sampler: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        costs = run_all(make_scheduler(Path(folder), sampler))
    assert len(costs["end"].seconds) == TRIALS
    print(f"\n{SLOTS} slots, {TRIALS} trials of {EPOCHS} epochs, {sampler.split(':')[0].strip('{')}:")
    for what, cost in costs.items():
        early, late = cost.early_and_late()
        print(f"{what:8} {early:.2f} → {late:.2f} ms of processor time", flush=True)
    early, late = costs["epoch"].early_and_late()
    assert late < 3 * early + 1, "the cost of a report grows with the number of trials"
