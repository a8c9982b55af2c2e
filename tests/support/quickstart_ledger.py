"""The parts of the quickstart's ledgers that a seed determines: outcomes, settings and metrics, epoch by epoch.

The asset is recreated, after a change that should change numbers, from a storage in which `COMMAND` was run:
`python -m tests.support.quickstart_ledger STORAGE > tests/assets/quickstart/ledger.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from saddle.archive.studies import read_study
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.study.trainable.declarations import Declarations

ASSET = Path(__file__).parents[1] / "assets/quickstart/ledger.json"
COMMAND = ("-m", "saddle.cli", "run", "quickstart", "--storage", "runs", "--no-mlflow",
           "--set", "quickstart-search:resources.concurrency=1")  # fmt: skip
"""Python's arguments. Two concurrent trials end in either order, and pruning and sampling depend on the order."""
STUDIES = ("quickstart-search", "quickstart-ablation")


def machine() -> dict[str, str]:
    """What determines the last bit of a number in addition to the seed."""
    return {"torch": torch.__version__.partition("+")[0], "cpu": torch.backends.cpu.get_cpu_capability()}


def read_ledgers(storage: Path) -> dict[str, Any]:
    """By study and trial, what another run with the same seeds also has."""
    return {name: read_ledger(LocalStore(storage), name) for name in STUDIES}


def read_ledger(store: LocalStore, name: str) -> dict[str, Any]:
    """The trials of one study."""
    stored = read_study(store, name)
    assert stored is not None, f"{name} was not run"
    declared = stored.declared
    return {
        record.key: {
            "outcome": str(record.outcome),
            "settings": dict(record.settings),
            "selected_epoch": record.selected_epoch,
            "metrics": reproducible(record.metrics, declared),
            "test_last": reproducible(record.test_last, declared),
            "curve": [reproducible(epoch, declared) for epoch in record.curve],
        }
        for record in Ledger(store, stored.run)
    }


def reproducible(metrics: Mapping[str, float], declared: Declarations) -> dict[str, float]:
    """The reproducible metrics, without seconds."""
    return {name: value for name, value in sorted(metrics.items()) if declared.metric(name).reproducible}


def dump(studies: Mapping[str, Mapping[str, Any]]) -> str:
    """The asset's text, with a line for each trial."""
    lines = [
        f"  {json.dumps(name)}: {{\n"
        + ",\n".join(f"   {json.dumps(key)}: {json.dumps(trials[key], sort_keys=True)}" for key in sorted(trials))
        + "\n  }"
        for name, trials in studies.items()
    ]
    return f'{{\n "machine": {json.dumps(machine())},\n "studies": {{\n' + ",\n".join(lines) + "\n }\n}\n"


if __name__ == "__main__":
    print(dump(read_ledgers(Path(sys.argv[1]))), end="")
