"""The quickstart against the same trials through plain Ray Tune: interleaved pairs, and where saddle's time goes.

`make bench`; SADDLE_BENCH_PAIRS and SADDLE_BENCH_EPOCHS change how many pairs and how long the trials are.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from saddle.archive.studies import read_study
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.trial.record import TrialRecord

PEER = Path(__file__).parent / "peer"
PAIRS = int(os.environ.get("SADDLE_BENCH_PAIRS", "2"))
EPOCHS = os.environ.get("SADDLE_BENCH_EPOCHS", "")
STUDIES = ("quickstart-search", "quickstart-ablation")
SLOTS = 2
AIM_RATIO, AIM_BEYOND = 2.0, 15.0
LIMIT = 3600


def seconds_of(*command: str, folder: Path) -> float:
    """Wall-clock seconds of a command in a separate process."""
    folder.mkdir()
    since = time.perf_counter()
    process = subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert process.returncode == 0, process.stdout[-3000:] + process.stderr[-3000:]
    return time.perf_counter() - since


def seconds_of_peer(folder: Path) -> float:
    return seconds_of(str(PEER / "quickstart_ray_tune.py"), ".", *([EPOCHS] if EPOCHS else []), folder=folder)


def seconds_of_saddle(folder: Path) -> float:
    command = [str(PEER / "timed_saddle.py"), "parts.json", "quickstart", "--storage", "runs"]
    if EPOCHS:
        command += [word for name in STUDIES for word in ("--set", f"{name}:fixed.epochs={EPOCHS}")]
        command += ["--set", f"quickstart-search:search.epsilon_warmup={{int: [0, {min(6, int(EPOCHS))}]}}"]
    return seconds_of(*command, folder=folder)


def records_of(folder: Path) -> list[TrialRecord]:
    """All trials of both studies."""
    store, records = LocalStore(folder / "runs"), []
    for name in STUDIES:
        stored = read_study(store, name)
        assert stored is not None
        records += Ledger(store, stored.run).entries()
    return records


def seconds_of_trials(records: list[TrialRecord]) -> tuple[float, float]:
    """Seconds of all trainings, and of all measurements of test after them."""
    trained = sum(record.seconds for record in records)
    measured = sum(record.ended - record.times[-1] for record in records if record.outcome == "completed")
    return trained, measured


def print_parts(wall: float, folder: Path) -> None:
    """Print where the time of a run of saddle went."""
    parts: dict[str, float] = json.loads((folder / "parts.json").read_text())
    trained, measured = seconds_of_trials(records_of(folder))
    parts["interpreter, and its end"] = max(0.0, wall - sum(parts.values()))
    print(f"\nsaddle's {wall:.0f} s of {len(records_of(folder))} trials:")
    for part, seconds in sorted(parts.items(), key=lambda item: -item[1]):
        print(f"  {seconds:6.1f} s  {part}")
    print(f"trainings {trained:.0f} s, measurements of test {measured:.0f} s, on {SLOTS} slots:")
    beyond = wall - (trained + measured) / SLOTS
    verdict = "reached" if beyond <= AIM_BEYOND else "MISSED"
    print(f"  {beyond:.1f} s beyond them, aim at most {AIM_BEYOND:g}: {verdict}")


@pytest.mark.timeout(2 * PAIRS * LIMIT)
def test_the_quickstart_against_plain_ray_tune(tmp_path: Path) -> None:
    """The order within a pair alternates, so that a machine that slows down slows both."""
    logs = []
    for pair in range(PAIRS):
        runs = {"saddle": seconds_of_saddle, "peer": seconds_of_peer}
        order = list(runs) if pair % 2 else list(reversed(runs))
        walls = {name: runs[name](tmp_path / f"{name}-{pair}") for name in order}
        logs.append(math.log(walls["peer"] / walls["saddle"]))
        print(f"\npair {pair + 1}: plain Ray Tune {walls['peer']:.0f} s, saddle {walls['saddle']:.0f} s")
        print_parts(walls["saddle"], tmp_path / f"saddle-{pair}")
    ratio = math.exp(statistics.mean(logs))
    print(f"\nsaddle is {ratio:.2f} times as fast; aim {AIM_RATIO:g}: {'reached' if ratio >= AIM_RATIO else 'MISSED'}")
    assert ratio > 0.5, "the quickstart takes twice as long as plain Ray Tune"
