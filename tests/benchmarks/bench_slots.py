"""Seconds per trial of a warm slot against a plain Tune function that imports torch, in one run (`make bench`)."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from ray import tune

from saddle.cluster.capacity.resources import Nodes
from saddle.execute.driver import Options, run_study
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies

TRIALS = 20
REPORTS = 3
AIM = 0.2

STUDY = f"""
study: bench
trainable: parabola
fixed: {{epochs: {REPORTS}}}
search: {{x: {{float: [0.0, 1.0]}}}}
objective: {{maximize: validation/score}}
sampler: random
budget: {{trials: {TRIALS}}}
"""


def plain(config: dict[str, Any]) -> None:
    """The simplest user code: a function that imports torch and reports."""
    import torch

    for epoch in range(1, REPORTS + 1):
        tune.report({"score": float(torch.tensor(1 - (config["x"] - 0.3) ** 2 - 0.5 / epoch))})


def seconds_of_plain_functions(folder: Path) -> float:
    since = time.perf_counter()
    results = tune.Tuner(
        tune.with_resources(plain, {"cpu": 1}),
        param_space={"x": tune.uniform(0, 1)},
        tune_config=tune.TuneConfig(num_samples=TRIALS),
        run_config=tune.RunConfig(storage_path=str(folder), verbose=0),
    ).fit()
    assert len(results) == TRIALS
    return time.perf_counter() - since


def seconds_of_slots(folder: Path, nodes: Nodes) -> float:
    [study] = parse_studies(STUDY, "bench.yaml")
    since = time.perf_counter()
    result = run_study(study, LocalStore(folder), nodes, Options())
    assert [entry.outcome for entry in result.entries] == ["completed"] * TRIALS
    return time.perf_counter() - since


def test_seconds_per_trial(ray_session: Nodes) -> None:
    """Both ways alternate, so that a machine that slows down slows both; checkpoints, ledger and MLflow included."""
    slots, plains = [], []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            slots.append(seconds_of_slots(Path(folder), ray_session) / TRIALS)
        with tempfile.TemporaryDirectory() as folder:
            plains.append(seconds_of_plain_functions(Path(folder)) / TRIALS)
    ratio = min(slots) / min(plains)
    print(f"\n{TRIALS} trials of {REPORTS} reports, seconds a trial:")
    print(f"warm slot {min(slots):.2f}, plain Tune function {min(plains):.2f}")
    print(f"ratio {ratio:.2f}, aim at most {AIM:g}: {'reached' if ratio <= AIM else 'MISSED'}")
    assert ratio < 1, "a warm slot is slower than starting every trial again"
