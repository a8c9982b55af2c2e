"""The driver over thousands of trivial trials: its memory, and its CPU time per trial against the sampler's own."""

from __future__ import annotations

import gc
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import optuna
import psutil

from saddle.archive.progress import Progress
from saddle.cluster.capacity.resources import Nodes
from saddle.execute.driver import Options, run_study
from saddle.search.storage import open_journal
from saddle.store.local import LocalStore
from saddle.study.models import Study
from saddle.studyfile.loader import parse_studies

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
    """Records for every trial that ends the CPU time and the driver's memory."""

    moments: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def changed(self, progress: Progress, event: str | None) -> None:
        if progress.fresh > len(self.moments):
            self.note()

    def note(self) -> None:
        self.moments.append(time.process_time())
        if len(self.moments) % 50 == 0:
            gc.collect()
            self.megabytes.append(psutil.Process().memory_info().rss / 2**20)

    @property
    def kilobytes_per_trial(self) -> float:
        """How much the process grows with each trial after the warm-up: the slope, since it grows in jumps."""
        trials = 50 * np.arange(1, len(self.megabytes) + 1)
        late = trials >= WARM_UP
        return float(1024 * np.polyfit(trials[late], np.array(self.megabytes)[late], 1)[0])


def bare_sampler(path: Path) -> Gauge:
    """As many trials of a bare Optuna study with the same sampler and storage, in a separate process."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=open_journal(path), sampler=optuna.samplers.RandomSampler(seed=0), direction="maximize"
    )
    gauge = Gauge()
    for _ in range(TRIALS):
        trial = study.ask()
        x, bend = trial.suggest_float("x", 0, 1), trial.suggest_float("bend", 0, 1)
        study.tell(trial, x - bend)
        gauge.note()
    return gauge


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
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            sampler = pool.submit(bare_sampler, Path(folder) / "bare.journal").result(600)
    ours, bare = growth(gauge.moments), growth(sampler.moments)
    at_warm_up, at_end = gauge.megabytes[WARM_UP // 50], gauge.megabytes[-1]
    print(f"\n{TRIALS} trivial trials, trials {WARM_UP} to {WARM_UP + WINDOW} against the last {WINDOW}:")
    print(
        f"driver's memory {at_warm_up:.0f} → {at_end:.0f} MB, {gauge.kilobytes_per_trial:.1f} kB a trial;"
        f" a bare Optuna study's grows by {sampler.kilobytes_per_trial:.1f} kB a trial"
    )
    print(f"a trial {ours[0]:.1f} → {ours[1]:.1f} ms, of which the bare sampler {bare[0]:.1f} → {bare[1]:.1f} ms")
    print(f"growth {ours[1] - ours[0]:+.1f} ms against the sampler's {bare[1] - bare[0]:+.1f} ms")
    assert gauge.kilobytes_per_trial < sampler.kilobytes_per_trial + 15, "the driver keeps something of every trial"
