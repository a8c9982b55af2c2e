"""`saddle` as a process that may use a cluster whose nodes lack saddle."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.support.ray_nodes import RayNodes, kill_all

METHODS = Path(__file__).parents[2] / "support/methods"

STUDY = """
study: far
question: Where is the top of the parabola?
trainable: parabola
fixed: {epochs: 4, pause: 0.2}
search: {x: {float: [0.0, 1.0]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 0}}
budget: {trials: 8}
"""


GIVEN = {"epochs": "4", "pause": "0.2", "trials": "8"}


@dataclass
class There:
    """A person at their own machine, with the cluster's token and a storage that its nodes share."""

    cluster: RayNodes
    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def storage(self) -> str:
        return str(self.folder / "shared")

    def start(self, *arguments: str, access: bool = True, **extra: str) -> subprocess.Popen[str]:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RAY_", "SADDLE_", "MLFLOW_", "AWS_", "TUNE_"))
        }
        environment |= {
            "HOME": str(self.folder),
            "COLUMNS": "200",
            **(self.cluster.access() if access else {}),
            **extra,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "saddle.cli", *arguments], cwd=self.folder, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def run(self, *arguments: str, code: int = 0, access: bool = True, **extra: str) -> tuple[str, str]:
        """What the command says on both streams, having ended with `code`."""
        process = self.start(*arguments, access=access, **extra)
        said, complained = process.communicate(timeout=240)
        assert process.returncode == code, said + complained
        return said, complained

    def write(self, name: str, **changes: str) -> str:
        """A study file of this name, each text in it replaced as told; returns its path."""
        text = STUDY.replace("study: far", f"study: {name}")
        for old, new in changes.items():
            text = text.replace(f"{old}: {GIVEN[old]}", f"{old}: {new}")
        (self.folder / f"{name}.yaml").write_text(text)
        return f"{name}.yaml"


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[RayNodes]:
    """A cluster of two nodes with a CPU each: a slot on each."""
    with RayNodes() as cluster:
        yield cluster.start(1, 1)


@pytest.fixture
def there(two_nodes: RayNodes, tmp_path: Path) -> Iterator[There]:
    there = There(two_nodes, tmp_path)
    yield there
    running = [psutil.Process(process.pid) for process in there.started if process.poll() is None]
    for job in two_nodes.get("/api/jobs/"):
        # of a test that failed half-way; the next one needs its slots. What a client started was never submitted
        if job["status"] in ("PENDING", "RUNNING") and job["submission_id"]:
            two_nodes.get(f"/api/jobs/{job['submission_id']}/stop", method="POST")
    kill_all([below for process in running for below in [process, *process.children(recursive=True)]])
