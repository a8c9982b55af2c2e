"""The driver over thousands of trivial trials: its memory, and its CPU time per trial against the sampler's own."""

from __future__ import annotations

import gc
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import optuna
import psutil

from saddle.execute.driver import Options, run_study
from saddle.execute.progress import Progress
from saddle.execute.shapes import Nodes
from saddle.search.storage import open_journal
from saddle.store.local import LocalStore
from saddle.study.loader import parse_studies
from saddle.study.models import Study

TRIALS = int(os.environ.get("SADDLE_BENCH_TRIALS", "2000"))
WARM_UP = TRIALS // 4
WINDOW = TRIALS // 5

STUDY = f"""
study: long
trainable: parabola
fixed: {{epochs: 1}}
search: {{x: {{float: [0.0, 1.0]}}, bend: {{float: [0.0, 1.0]}}}}
objective: {{maximize: validation/score}}
sampler: {{random: {{seed: 0}}}}
budget: {{trials: {TRIALS}}}
"""


@dataclass
class Gauge:
    """Hears of every trial that ends: the CPU time, and how much memory the driver then holds."""

    moments: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def changed(self, progress: Progress, event: str | None) -> None:
        if progress.fresh > len(self.moments):
            self.moments.append(time.process_time())
            if len(self.moments) % 50 == 0:
                gc.collect()
                self.megabytes.append(psutil.Process().memory_info().rss / 2**20)


def seconds_of_the_sampler(path: Path) -> list[float]:
    """When each of as many trials was told, asked of a bare Optuna study with the same sampler and storage."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=open_journal(path), sampler=optuna.samplers.RandomSampler(seed=0), direction="maximize"
    )
    moments = []
    for _ in range(TRIALS):
        trial = study.ask()
        x, bend = trial.suggest_float("x", 0, 1), trial.suggest_float("bend", 0, 1)
        study.tell(trial, x - bend)
        moments.append(time.process_time())
    return moments


def growth(moments: list[float]) -> tuple[float, float]:
    """Mean milliseconds per trial of the first window after the warm-up, and of the last."""
    early = (moments[WARM_UP + WINDOW] - moments[WARM_UP]) / WINDOW
    late = (moments[-1] - moments[-1 - WINDOW]) / WINDOW
    return 1000 * early, 1000 * late


def test_memory_and_time_per_trial_do_not_grow(ray_session: Nodes) -> None:
    gauge = Gauge()

    def listen(study: Study) -> Gauge:
        return gauge

    [study] = parse_studies(STUDY, "long.yaml")
    with tempfile.TemporaryDirectory() as folder:
        run_study(study, LocalStore(Path(folder)), ray_session, Options(track=False, listener=listen))
        bare = growth(seconds_of_the_sampler(Path(folder) / "bare.journal"))
    ours = growth(gauge.moments)
    at_warm_up, at_end = gauge.megabytes[WARM_UP // 50], gauge.megabytes[-1]
    kilobytes = 1024 * (at_end - at_warm_up) / (TRIALS - WARM_UP)
    print(f"\n{TRIALS} trivial trials, trials {WARM_UP} to {WARM_UP + WINDOW} against the last {WINDOW}:")
    print(f"driver's memory {at_warm_up:.0f} → {at_end:.0f} MB, {kilobytes:.1f} kB a trial")
    print(f"a trial {ours[0]:.1f} → {ours[1]:.1f} ms, of which the bare sampler {bare[0]:.1f} → {bare[1]:.1f} ms")
    print(f"growth {ours[1] - ours[0]:+.1f} ms against the sampler's {bare[1] - bare[0]:+.1f} ms")
    assert kilobytes < 100, "the driver keeps something of every trial"
