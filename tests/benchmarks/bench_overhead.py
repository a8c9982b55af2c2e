"""Adversarial training through saddle against the same loop as a bare script: interleaved pairs (`make bench`)."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from scipy import stats

from saddle.cluster.resources import Nodes
from saddle.execute.driver import Options, run_study
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies

PAIRS = int(os.environ.get("SADDLE_BENCH_PAIRS", "12"))
EPOCHS = 12
AIM = 0.03

SETTINGS = (
    f"{{dataset: digits, perturbation: mp, tasks: [odd_even], epochs: {EPOCHS}, steps: 7, attack_steps: 10, width: 4, "
    "lr: 0.005}"
)

STUDY = f"""
study: bench
trainable: adversarial_training
fixed: {SETTINGS}
search: {{batch_size: {{choice: [50]}}}}
objective: {{maximize: validation/robust_accuracy.worst_case}}
sampler: random
budget: {{trials: 1}}
"""

SCRIPT = """
import sys, time
import torch
from ruamel.yaml import YAML
from trainables import adversarial_training as method
from trainables.contract import InProcessRun, resolve
torch.set_num_threads(1)
config = resolve(method, {**YAML(typ="safe").load(sys.argv[1]), "batch_size": 50}, scale="quick").config
run = InProcessRun(seed=0)
reports = method.train(config, run)
next(reports)
since = time.perf_counter()
for report in reports:
    pass
print(time.perf_counter() - since)
"""


def seconds_bare() -> float:
    """Seconds of all epochs except the first, which warms up, of the bare loop in a separate process."""
    process = subprocess.run([sys.executable, "-c", SCRIPT, SETTINGS], capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, process.stderr
    return float(process.stdout)


def seconds_through_saddle(folder: Path, nodes: Nodes) -> float:
    """The same epochs in a slot, from the first epoch's end to the last's: checkpoints and messages included."""
    [study] = parse_studies(STUDY, "bench.yaml")
    [entry] = run_study(study, LocalStore(folder), nodes, Options()).entries
    assert entry.outcome == "completed", entry.why
    assert len(entry.times) == EPOCHS
    return entry.times[-1] - entry.times[0]


def test_overhead_of_training_through_saddle(ray_session: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order within a pair alternates; the interval is Student's t of the log ratios."""
    monkeypatch.setattr("saddle.execute.driver.check_best", lambda *arguments: None)  # not timed
    logs = []
    for pair in range(PAIRS):
        with tempfile.TemporaryDirectory() as folder:
            if pair % 2:
                ours = seconds_through_saddle(Path(folder), ray_session)
                bare = seconds_bare()
            else:
                bare = seconds_bare()
                ours = seconds_through_saddle(Path(folder), ray_session)
        logs.append(math.log(ours / bare))
        print(f"\npair {pair + 1}: bare {bare:.1f} s, through saddle {ours:.1f} s", end="")
    center, spread = statistics.mean(logs), statistics.stdev(logs) / math.sqrt(PAIRS)
    low, high = (math.exp(edge) - 1 for edge in stats.t.interval(0.95, PAIRS - 1, center, spread))
    more = math.exp(center) - 1
    print(f"\n{PAIRS} interleaved pairs of {EPOCHS - 1} epochs: saddle takes {more:+.1%} ({low:+.1%} to {high:+.1%})")
    print(f"aim under +{AIM:.0%}: {'reached' if more < AIM else 'MISSED'}")
    assert low < 0.5, "saddle makes training one and a half times as slow"
