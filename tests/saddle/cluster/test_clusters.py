"""Which clusters a study may run on: locked ones, whose nodes all see the storage; and following another driver."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from saddle.cluster.auth import AuthState, own_token, probe, require_authentication
from saddle.cluster.connection import connect
from saddle.errors import ClusterError
from tests.support.ray_nodes import RayNodes
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

INTRUDER = """
import ray
ray.init(address={address!r}, log_to_driver=False)
print("let in with", ray.cluster_resources()["CPU"])
"""

STUDY = """
study: watched
trainable: parabola
fixed: {epochs: 10, pause: 0.2}
search: {x: {float: [0.0, 1.0]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 0}}
budget: {trials: 4}
"""


class TestOurOwnRay:
    def test_it_has_a_token_and_lets_nobody_in_without(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))  # nobody's token
        for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        with connect() as [node]:
            import ray

            assert node["CPU"] >= 1
            address = ray.get_runtime_context().gcs_address
            token = os.environ["RAY_AUTH_TOKEN"]
            assert len(token) == 64
            assert probe(address, None) is AuthState.LOCKED
            assert probe(address, f"Bearer {'0' * 64}") is AuthState.LOCKED
            assert probe(address, f"Bearer {token}") is AuthState.OPEN
            script = [sys.executable, "-c", INTRUDER.format(address=address)]
            surroundings = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
            # else the intruder's Ray replaces the loopback address, and asks where nobody listens
            surroundings["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
            modes = (
                {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token},
                {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64},
                {"RAY_AUTH_MODE": "disabled"},
            )
            asking = [
                subprocess.Popen(
                    script, env=surroundings | mode, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
                for mode in modes
            ]
            answers = [process.communicate(timeout=180) for process in asking]
            assert "let in with" in answers[0][0], answers[0][1]
            for process, (said, _) in zip(asking[1:], answers[1:], strict=True):
                assert process.returncode != 0
                assert "let in" not in said
        assert "RAY_AUTH_TOKEN" not in os.environ, "the next Ray gets another one"
        assert not (tmp_path / ".ray").exists(), "nothing is left in anybody's home"

    def test_training_gets_no_smaller_share_of_the_processor_than_a_plain_process(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("RAY_worker_niceness", raising=False)
        with connect():
            import ray

            assert ray.get(ray.remote(lambda: os.nice(0)).remote(), timeout=120) == os.nice(0)

    def test_a_token_of_the_users_own_is_for_their_clusters_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RAY_AUTH_TOKEN", "a" * 32)
        monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
        with own_token():
            assert os.environ["RAY_AUTH_MODE"] == "token"
            assert os.environ["RAY_AUTH_TOKEN"] != "a" * 32, "else their ray.init('auto') would join this Ray"
        assert (os.environ["RAY_AUTH_MODE"], os.environ["RAY_AUTH_TOKEN"]) == ("disabled", "a" * 32)


@pytest.fixture(scope="module")
def open_cluster() -> Iterator[RayNodes]:
    """A cluster that other machines reach and that demands no token."""
    import ray

    here = ray.util.get_node_ip_address()
    if here.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    with RayNodes(authenticate=False, host=here) as cluster:
        yield cluster.start(1)


@pytest.mark.slow
class TestAnOpenCluster:
    def test_it_is_refused_unless_told_otherwise(self, open_cluster: RayNodes) -> None:
        reached = f"{open_cluster.host}:{open_cluster.port}"
        for address in (open_cluster.dashboard, reached):
            with pytest.raises(ClusterError, match="demands no token, so anyone who can reach it can run code there"):
                require_authentication(address)
            require_authentication(address, insecure=True)
        require_authentication(f"127.0.0.1:{open_cluster.port}")
        with pytest.raises(ClusterError, match="demands no token"), connect(reached):
            pass

    def test_a_storage_that_a_node_does_not_see_is_refused(self, open_cluster: RayNodes, tmp_path: Path) -> None:
        (tmp_path / "watched.yaml").write_text(STUDY)
        (tmp_path / "kept").mkdir()
        open_cluster.add_node(1, hidden=tmp_path / "kept")
        order = [
            "run",
            "watched.yaml",
            "--address",
            f"127.0.0.1:{open_cluster.port}",
            "--storage",
            "kept",
            "--no-mlflow",
        ]
        process = subprocess.run(
            [sys.executable, "-m", "saddle.cli", *order], env={**os.environ, **open_cluster.access()},
            capture_output=True, text=True, timeout=240,
        )  # fmt: skip
        assert process.returncode == 2, process.stdout + process.stderr
        assert f"the storage {tmp_path}/kept can't be read on every node of the cluster" in process.stderr
        assert (
            "use --storage s3://BUCKET/PREFIX, or a folder that every node mounts under the same path" in process.stderr
        )
        assert process.stderr.count("the driver's file is missing") == 1, "one of two nodes"
        assert not list((tmp_path / "kept").glob("seen-by-nodes*"))
        assert not (tmp_path / "kept/studies").exists(), "nothing was started"


class TestFollowing:
    def test_the_second_shows_what_the_first_does_and_its_answer(self, tmp_path: Path) -> None:
        (tmp_path / "watched.yaml").write_text(STUDY)
        with self.start() as first:
            progress = tmp_path / "runs/studies/watched/progress.json"
            wait_until(progress.exists, "the study's start", process=first)
            with self.start("--follow") as second:
                shown, complained = second.communicate(timeout=180)
            answered, _ = first.communicate(timeout=180)
        assert (first.returncode, second.returncode) == (0, 0), complained
        assert "watched: running · " in shown
        assert "4/4 trials (4 completed)" in shown
        answer = answered[answered.index("The best of 4 trials") :]
        assert shown.endswith(answer)
        assert "[4/4]" not in shown, "it trained nothing itself"

    def test_a_study_that_nobody_runs_is_run(self, tmp_path: Path) -> None:
        from saddle.cli.follow import follow_driver

        (tmp_path / "watched.yaml").write_text(STUDY)
        assert not follow_driver("watched.yaml", [], None)

    def start(self, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "saddle.cli", "run", "watched.yaml", "--no-mlflow", *options]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
