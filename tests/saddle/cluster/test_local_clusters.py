"""Which Ray on this machine may be joined: what `ray start` started, and nobody's private one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from saddle.cluster.auth import is_from_ray_init
from saddle.cluster.connection import connect, find_cluster, the_only_one
from saddle.cluster.local_clusters import joinable, local_nodes, private_at
from saddle.errors import ClusterError
from tests.support.ray_nodes import RayNodes
from tests.support.waiting import PROCESS_SECONDS

PROGRAM = """
import ray
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, _temp_dir={folder!r})
print(ray.get_runtime_context().gcs_address, flush=True)
input()
"""


@pytest.fixture(scope="module")
def ours() -> Iterator[str]:
    """The address of a Ray that saddle started for itself."""
    with connect():
        import ray

        yield str(ray.get_runtime_context().gcs_address)


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayNodes]:
    with RayNodes() as cluster:
        yield cluster.start(1)


@pytest.mark.fault("another study's private Ray; no Ray at all")
class TestAPrivateRay:
    def test_it_is_not_joinable_beside_a_cluster_that_is(self, ours: str, cluster: RayNodes) -> None:
        found = joinable(local_nodes())
        assert ours not in found
        # Ray notes a head on loopback under the machine's own address
        assert str(cluster.port) in {address.rpartition(":")[2] for address in found}

    @pytest.mark.parametrize("host", [None, "127.0.0.1", "localhost"])
    def test_its_address_is_refused_and_says_whose_it_is(self, ours: str, host: str | None) -> None:
        address = ours if host is None else f"{host}:{ours.rpartition(':')[2]}"
        with pytest.raises(ClusterError, match=rf"the Ray at {address} is private to process {os.getpid()} of this"):
            find_cluster(address)

    def test_it_says_of_itself_that_it_is_none_to_whoever_has_its_token(self, ours: str) -> None:
        assert is_from_ray_init(ours), "so it is refused from other machines, too"

    def test_a_cluster_says_that_it_is_one(self, cluster: RayNodes, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in cluster.access().items():
            monkeypatch.setenv(name, value)
        assert not is_from_ray_init(cluster.address)
        assert find_cluster(cluster.address) == cluster.address

    def test_another_programs_ray_is_private_too(self) -> None:
        folder = f"/tmp/other-{os.getpid()}"
        environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64}
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(folder=folder)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            address = (program.stdout or sys.stdin).readline().strip()
            nodes = local_nodes()
            assert address not in joinable(nodes)
            private = private_at(address, nodes)
            assert private is not None
            assert private.private_to == program.pid
        finally:
            program.communicate("\n", timeout=PROCESS_SECONDS)
            subprocess.run(["rm", "-rf", folder], check=True)


@pytest.mark.fault("another study's private Ray; no Ray at all")
class TestAuto:
    def test_without_a_cluster_it_says_what_would_be_right(self) -> None:
        with pytest.raises(ClusterError, match="this machine is not a node of a Ray cluster; run it on the head node"):
            the_only_one([])

    def test_several_are_refused_by_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("RAY_TMPDIR", raising=False)
        with pytest.raises(
            ClusterError, match=r"of 2 Ray clusters.*--address 192\.0\.2\.1:6379 or --address 192\.0\.2\.1:6380"
        ):
            the_only_one(["192.0.2.1:6379", "192.0.2.1:6380"])

    def test_of_several_the_one_is_meant_that_ray_tmpdir_names(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "ray").mkdir()
        (tmp_path / "ray/ray_current_cluster").write_text("192.0.2.1:6380")
        monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
        assert the_only_one(["192.0.2.1:6379", "192.0.2.1:6380"]) == "192.0.2.1:6380"
        with pytest.raises(ClusterError, match="of 2 Ray clusters"):
            the_only_one(["192.0.2.1:6379", "192.0.2.1:6381"])

    def test_it_is_a_line_and_no_traceback(self, ours: str, tmp_path: Path) -> None:
        study = "study: s\ntrainable: parabola\nsearch: {x: {float: [0, 1]}}\nsampler: {random: {seed: 0}}\n"
        (tmp_path / "s.yaml").write_text(f"{study}objective: {{maximize: validation/score}}\nbudget: {{trials: 1}}\n")
        command = [sys.executable, "-m", "saddle.cli", "run", "s.yaml", "--no-mlflow"]
        environment = {name: value for name, value in os.environ.items() if name != "RAY_AUTH_TOKEN"}
        for address in ({}, {"RAY_ADDRESS": ours}):
            option = ["--address", "auto"] if address else ["--address", ours]
            done = subprocess.run(
                [*command, *option], env=environment | address, capture_output=True, text=True, timeout=PROCESS_SECONDS
            )
            assert done.returncode == 2
            assert "is private to process" in done.stderr
            assert len(done.stderr.splitlines()) == 1
        assert not (tmp_path / "runs/studies").exists()
