"""The head of a cluster dies with its control process and comes back with what it had stored, as KubeRay restarts it.

Ray (2.60) keeps that in a Redis or, new, in a RocksDB. The driver has joined by the head's node, which the cluster
takes for dead once another one is in its place: it ends with exit code 3 in a line, and the same command continues.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.trial.run_id import RunId
from tests.saddle.submit.conftest import METHODS
from tests.support.commands import Command
from tests.support.ray_nodes import LOOPBACK, RayNodes, kill_all
from tests.support.redis import serving_redis
from tests.support.waiting import PROCESS_SECONDS, wait_until

pytestmark = [pytest.mark.fault("the head restarted"), pytest.mark.long, pytest.mark.timeout(2400)]

HEAD = "127.0.0.2"
"""Another address than that of the node with the trials, as on another machine."""
TRIALS, EPOCHS = 8, 12
STUDY_SECONDS = 900
STUDY = f"""
study: survives
trainable: parabola
fixed: {{epochs: {EPOCHS}, pause: 0.5}}
search: {{x: {{float: [0.0, 1.0]}}}}
objective: {{maximize: validation/score}}
sampler: {{random: {{seed: 0}}}}
budget: {{trials: {TRIALS}}}
"""
PATIENT = {"RAY_gcs_rpc_server_reconnect_timeout_s": "600"}
"""As KubeRay sets it: how long nodes and their workers wait for the head."""


@contextlib.contextmanager
def storage_of(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    """The variables with which the head keeps its state in such a storage."""
    if kind == "Redis":
        with serving_redis(folder) as address:
            yield {"RAY_REDIS_ADDRESS": address}
    else:
        (folder / "gcs").mkdir()
        yield {"RAY_gcs_storage": "rocksdb", "RAY_gcs_storage_path": str(folder / "gcs")}


@pytest.fixture(params=["RocksDB", "Redis"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RayNodes]:
    """A head without processors, and a node with two."""
    with storage_of(request.param, tmp_path) as storage:
        with RayNodes(ip=HEAD, extra={**storage, **PATIENT}) as cluster:
            cluster.start(0).add_node(2, ip=LOOPBACK)
            yield cluster
        assert not cluster.strays()


@pytest.fixture
def command(cluster: RayNodes, tmp_path: Path) -> Iterator[Command]:
    """saddle in a process that joins the cluster."""
    command = Command(tmp_path, {**cluster.access(), **PATIENT, "RAY_ADDRESS": cluster.address})
    (tmp_path / "survives.yaml").write_text(STUDY)
    try:
        yield command
        wait_until(lambda: not command.leftovers(), "the end of all it started", PROCESS_SECONDS)
    finally:
        command.kill_leftovers()


def kill_control_process(cluster: RayNodes) -> None:
    """SIGKILL for the head's GCS alone; the head ends by that."""
    [control] = [process for process in cluster.head.processes() if process.name() == "gcs_server"]
    kill_all([control])
    cluster.head.process.wait(PROCESS_SECONDS)


def require_complete(command: Command) -> None:
    """Nothing differs from the ledger, and each trial is there once, with each of its epochs once."""
    [verified] = json.loads(command.run("verify", "survives", "--json"))
    assert (verified["differences"], verified["unfinished"]) == ([], [])
    records = list(Ledger(LocalStore(command.folder / "runs"), RunId("survives")).entries())
    assert sorted(record.key for record in records) == [f"trial-{number:05d}" for number in range(TRIALS)]
    assert {(record.outcome, record.epochs, len(record.curve)) for record in records} == {("completed", EPOCHS, EPOCHS)}


def test_a_driver_of_a_head_that_was_restarted_ends_and_the_same_command_goes_on(
    cluster: RayNodes, command: Command
) -> None:
    words = ("run", "survives.yaml", "--package", str(METHODS))
    driver = command.start(*words)
    trials = command.folder / "runs/studies/survives/trials"
    wait_until(
        lambda: list(trials.glob("*/checkpoints/epoch-00002.pt")), "the second epoch of a trial", STUDY_SECONDS,
        process=driver,
    )  # fmt: skip
    kill_control_process(cluster)
    cluster.start_head(0)
    said, _ = driver.communicate(timeout=STUDY_SECONDS)
    assert driver.returncode == 3, said
    assert "Traceback" not in said
    [line] = [line for line in said.splitlines() if line.startswith("saddle: ")]
    assert "this machine's node of the Ray cluster at 127.0.0.2:" in line
    assert "nothing that was stored is lost" in line
    command.run(*words, seconds=STUDY_SECONDS)
    require_complete(command)
