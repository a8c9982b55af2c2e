"""A cluster whose CPUs another job holds: what is waited for is said, and the run continues by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ray_nodes import RayNodes
from tests.support.waiting import PROCESS_SECONDS, wait_until

STUDY = """
study: patient
trainable: parabola
fixed: {epochs: 2}
search: {x: {float: [0.0, 1.0]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 0}}
budget: {trials: 2}
"""

HOLDER = """
import ray
ray.init(log_to_driver=False)
@ray.remote(num_cpus=2)
class Holder:
    def ready(self): return "held"
holder = Holder.remote()
print(ray.get(holder.ready.remote()), flush=True)
input()
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayNodes]:
    with RayNodes() as cluster:
        yield cluster.start(2)


@pytest.mark.fault("a cluster without a free CPU")
def test_what_is_waited_for_is_said_and_the_run_goes_on_once_it_is_free(cluster: RayNodes, tmp_path: Path) -> None:
    from tests.saddle.submit.conftest import METHODS

    (tmp_path / "patient.yaml").write_text(STUDY)
    (tmp_path / "hold.py").write_text(HOLDER)
    environment = {**os.environ, **cluster.access(), "RAY_ADDRESS": cluster.address}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    holder = subprocess.Popen([sys.executable, "hold.py"], env=environment, **pipes)
    saddle = [sys.executable, "-m", "saddle.cli"]
    said = tmp_path / "said.txt"
    driver = None
    try:
        wait_until(lambda: "held" in (holder.stdout or sys.stdin).readline(), "holding all CPUs", 60)
        with said.open("w") as file:
            driver = subprocess.Popen(
                [*saddle, "run", "patient.yaml", "--no-mlflow", "--package", METHODS],
                env=environment, stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
        wait_until(lambda: "waits for" in said.read_text() or "wait for" in said.read_text(), "saying what for", 120)
        line = next(line for line in said.read_text().splitlines() if "wait" in line)
        assert "for 1 CPU: the cluster has 0 of 2 CPU free; other jobs there: " in line
        assert f"hold.py (process {holder.pid} on " in line
        status = subprocess.run([*saddle, "status", "patient"], capture_output=True, text=True, timeout=240)
        assert "for 1 CPU: the cluster has 0 of 2 CPU free" in status.stdout, status
        assert "patient: running" in status.stdout
        holder.communicate("\n", timeout=240)
        assert driver.wait(PROCESS_SECONDS) == 0, said.read_text()
        assert "The best of 2 trials" in said.read_text()
        after = subprocess.run([*saddle, "status", "patient"], capture_output=True, text=True, timeout=240)
        assert "patient: finished" in after.stdout
        assert "wait" not in after.stdout
    finally:
        for process in filter(None, (holder, driver)):
            process.kill()
            process.wait(PROCESS_SECONDS)
            for stream in filter(None, (process.stdin, process.stdout)):
                stream.close()
