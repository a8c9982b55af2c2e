"""The quickstart's seeds give the numbers that they gave when its ledger was stored, metric by metric."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.quickstart_ledger import ASSET, COMMAND, dump, machine, read_ledgers

STORED: dict[str, Any] = json.loads(ASSET.read_text())


def differences(stored: Any, again: Any, place: str = "") -> Iterator[str]:
    """Each place where the two are not the same, with both values."""
    if isinstance(stored, dict) and isinstance(again, dict):
        for name in sorted({*stored, *again}):
            yield from differences(stored.get(name, "missing"), again.get(name, "missing"), f"{place}/{name}")
    elif isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        for index, (before, after) in enumerate(zip(stored, again, strict=True)):
            yield from differences(before, after, f"{place}/{index + 1}")
    elif stored != again:
        yield f"{place}: {stored} then, {again} now"


@pytest.fixture
def one_at_a_time(tmp_path: Path) -> Path:
    """The storage of a quickstart whose search trains one trial at a time, so that each has the same ones before it."""
    subprocess.run([sys.executable, *COMMAND], cwd=tmp_path, check=True, capture_output=True, timeout=1_200)
    return tmp_path / "runs"


@pytest.mark.slow
@pytest.mark.timeout(1_300)
def test_the_same_seeds_give_the_same_ledger(one_at_a_time: Path) -> None:
    if STORED["machine"] != machine():
        pytest.skip(f"the last bits of numbers are those of {STORED['machine']}, and this is {machine()}")
    assert list(differences(STORED["studies"], read_ledgers(one_at_a_time))) == []


def test_the_stored_ledger_is_whole_and_every_difference_is_named() -> None:
    studies = STORED["studies"]
    assert {name: len(trials) for name, trials in studies.items()} == {
        "quickstart-search": 10,
        "quickstart-ablation": 9,
    }
    for trials in studies.values():
        for trial in trials.values():
            assert len(trial["curve"]) >= trial["selected_epoch"] >= 1
            assert trial["outcome"] != "completed" or any(name.startswith("test/") for name in trial["metrics"])
    other = json.loads(dump(studies))["studies"]
    assert other == studies
    trial = other["quickstart-search"]["trial-00003"]
    epoch = trial["curve"][4]
    del trial["metrics"]["train/loss"]
    epoch["train/loss"] = 0.0
    assert [line.partition(":")[0] for line in differences(studies, other)] == [
        "/quickstart-search/trial-00003/curve/5/train/loss",
        "/quickstart-search/trial-00003/metrics/train/loss",
    ]
