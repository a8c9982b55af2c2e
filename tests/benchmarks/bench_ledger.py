"""Reading a study of 10,000 trials × 50 epochs: seconds and memory of `saddle results`, `report` and `compare`.

The aims are 10 s and 1 GiB on two cores. Memory is asserted; seconds depend on other processes, so they are printed
next to those of plain pyarrow for the same trials in the same run, which is a lower bound for any reader.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from saddle.archive.studies import settle_study
from saddle.design import make_arms, replicates
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.study.models import Study
from saddle.study.trainable.loading import load_trainable
from saddle.studyfile.loader import parse_studies
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from tests.support.records import make_record
from trainables.contract import resolve

TRIALS = int(os.environ.get("SADDLE_BENCH_TRIALS", "10000"))
EPOCHS = 50
MOST_SECONDS = 10.0
MOST_MEMORY = 2**30

STUDIES = f"""
study: large
question: Which settings make MP most robust?
trainable: adversarial_training
fixed: {{dataset: mnist, perturbation: mp, tasks: [odd_even], epochs: {EPOCHS}}}
search:
  lr: {{float: [1e-4, 1e-1], log: true}}
  alpha0_min: {{float: [0.5, 1.0]}}
  weight_decay: {{float: [1e-6, 1e-2], log: true}}
  epsilon_warmup: {{int: [0, 8]}}
  schedule: {{choice: [constant, cyclic]}}
objective: {{maximize: validation/robust_accuracy.worst_case}}
sampler: random
budget: {{trials: {TRIALS}}}
---
study: wide
question: Which learning rate does MP want?
ablation:
  baseline: {{perturbation: mp}}
  factors: {{lr: [{", ".join(f"{(level + 1) / 2000:g}" for level in range(100))}]}}
  seeds: {TRIALS // 100}
  compare: {{metric: test/robust_accuracy.worst_case}}
"""

CURVES = ("train/loss", "train/auxiliary_loss", "train/epsilon", "train/alpha0", "validation/clean_accuracy",
          "validation/auxiliary_accuracy", "validation/robust_accuracy.pgd",
          "validation/robust_accuracy.worst_case")  # fmt: skip

PYARROW = """
import sys
import pyarrow.parquet as pq
print(pq.read_table(sys.argv[1]).num_rows)
"""

# a process in between, because a started process begins with the peak memory of the one that starts it
MEASURE = """
import json, os, subprocess, sys, time
from tests.support.records import make_record
begun = time.perf_counter()
with open(sys.argv[1], "wb") as said:
    process = subprocess.Popen(sys.argv[2:], stdout=said, stderr=subprocess.STDOUT)
    _, status, used = os.wait4(process.pid, 0)
print(json.dumps([time.perf_counter() - begun, used.ru_maxrss * 1024, used.ru_utime + used.ru_stime, status]))
"""


@dataclass(frozen=True)
class Used:
    """The cost of a command: seconds of wall-clock and CPU time, bytes at its peak; and its output."""

    seconds: float
    memory: int
    cpu: float
    output: str


def measure(folder: Path, *command: str) -> Used:
    output = folder / "said.txt"
    process = subprocess.run(
        [sys.executable, "-c", MEASURE, str(output), *command], capture_output=True, text=True, timeout=600, cwd=folder
    )
    seconds, memory, cpu, status = json.loads(process.stdout)
    assert status == 0, output.read_text()[-3000:]
    return Used(seconds, memory, cpu, output.read_text())


def entries(study: Study) -> Iterator[TrialRecord]:
    """The trials of a study as if they had been trained: better near a known optimum, with a few failures."""
    trainable, draw = load_trainable(study.trainable), random.Random(0)
    if study.ablation is not None:
        ran = replicates(make_arms(study.ablation, study.ablation.baseline, study.settings), study.ablation.seed_list)
        planned = [
            (replicate.key, {**replicate.arm.settings}, replicate.seed, replicate.arm.name, None) for replicate in ran
        ]
    else:
        planned = [
            (
                f"trial-{number:05d}",
                {name: drawn(parameter, draw) for name, parameter in (study.search or {}).items()},
                0,
                None,
                number,
            )
            for number in range(TRIALS)
        ]
    for key, settings, seed, arm, number in planned:
        resolved = resolve(trainable, {**study.settings, **settings}, study.recipe, study.scale)
        params = resolved.config.model_dump(mode="json")
        fate = draw.random() if arm is None else 1.0
        outcome = "diverged" if fate < 0.01 else "failed" if fate < 0.02 else "pruned" if fate < 0.1 else "completed"
        epochs = EPOCHS if outcome == "completed" else draw.randint(1, EPOCHS - 1)
        level = 0.6 - abs(params["lr"] - 0.02) + draw.gauss(0, 0.02)
        curve = [
            {name: level * (1 - 0.7**epoch) + draw.gauss(0, 0.01) for name in CURVES} for epoch in range(1, epochs + 1)
        ]
        ends = {name.replace("validation", "test"): level + draw.gauss(0, 0.01) for name in CURVES[4:]}
        started = 1.7e9 + 60 * (number or 0)
        yield make_record(
            key, study.study, seed, outcome, params, settings,
            metrics={**curve[-1], **(ends if outcome == "completed" else {})},
            arm=arm, number=number, why="" if outcome == "completed" else f"{outcome} in epoch {epochs}",
            test_last=ends if outcome == "completed" else {}, curve=curve, times=[started + e for e in range(epochs)],
            selected_epoch=epochs, epochs=epochs, seconds=50.0 + fate, started=started, ended=started + 50,
            sources=dict(resolved.sources),
            fingerprints={"data": "abc", "classes": 10, "environment": {"python": "3.11"}},
            checkpoints={name: f"studies/{study.study}/trials/{key}/{name}.pt" for name in ("best", "last")},
        )  # fmt: skip


def drawn(parameter: Any, draw: random.Random) -> Any:
    """A value of a searched parameter."""
    if parameter.choice is not None:
        return draw.choice(parameter.choice)
    low, high = parameter.bounds
    if isinstance(low, int):
        return draw.randint(low, high)
    return low * (high / low) ** draw.random() if parameter.log else draw.uniform(low, high)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage with a search and an ablation of so many trials each, indexed as their driver would leave them."""
    folder = tmp_path_factory.mktemp("large")
    store = LocalStore(folder / "runs")
    for study in parse_studies(STUDIES, "large.yaml"):
        settle_study(store, study, None if study.ablation is None else dict(study.ablation.baseline), fresh=False)
        ledger, since = Ledger(store, RunId(study.study)), time.perf_counter()
        for entry in entries(study):
            ledger.add(entry)
        written, since = time.perf_counter() - since, time.perf_counter()
        ledger.index()
        files, index = (store.size(f"studies/{study.study}/{part}") / 2**20 for part in ("ledger", "ledger-index"))
        print(
            f"\n{study.study}: {TRIALS} trials × {EPOCHS} epochs made and written in {written:.0f} s ({files:.0f} MiB),"
            f" indexed in {time.perf_counter() - since:.1f} s ({index:.0f} MiB)"
        )
    return folder


@pytest.fixture(scope="session")
def plain(folder: Path) -> Used:
    """The cost of reading the ledger of the search with pyarrow, file by file."""
    used = measure(folder, sys.executable, "-c", PYARROW, str(folder / "runs/studies/large/ledger"))
    assert used.output.strip() == str(TRIALS)
    tell("pyarrow, reading the ledger's files", used, used)
    return used


def tell(name: str, used: Used, plain: Used) -> None:
    """Print the cost of a command."""
    print(
        f"\n{name}: {used.seconds:.1f} s ({used.cpu:.1f} s of CPU time), {used.seconds / plain.seconds:.2f} × pyarrow,"
        f" {used.memory / 2**20:.0f} MiB"
    )


COMMANDS: Mapping[str, tuple[str, ...]] = {
    "results": ("results", "large"),
    "results --csv": ("results", "large", "--csv"),
    "results of an ablation": ("results", "wide"),
    "report": ("report", "large"),
    "report of an ablation": ("report", "wide"),
    "compare": ("compare", "large", "wide"),
}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_large_study_is_read_in_little_memory(folder: Path, plain: Used, name: str) -> None:
    used = measure(folder, sys.executable, "-m", "saddle.cli", *COMMANDS[name])
    tell(f"saddle {name}", used, plain)
    if "results" in name:
        assert len(used.output.splitlines()) > TRIALS
    assert used.memory < MOST_MEMORY, f"{used.memory / 2**20:.0f} MiB"


@pytest.mark.timeout(1800)
def test_a_large_study_fits_a_notebook(folder: Path, plain: Used) -> None:
    frames = "import saddle; study = saddle.load('large'); print(len(study.trials), len(study.curves))"
    used = measure(folder, sys.executable, "-c", frames)
    tell("saddle.load: trials and curves", used, plain)
    trials, rows = map(int, used.output.split())
    assert trials == TRIALS
    assert rows > 0.9 * TRIALS * EPOCHS * len(CURVES)
