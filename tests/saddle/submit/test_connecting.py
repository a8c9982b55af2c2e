"""`saddle run` on a cluster that is there: its token, its nodes' code, and a driver on its head."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import saddle
from saddle.cluster.auth import is_loopback, split
from saddle.cluster.connection import find_cluster
from saddle.errors import ClusterError
from tests.saddle.submit.conftest import METHODS, There
from tests.support.waiting import PROCESS_SECONDS, wait_until

pytestmark = pytest.mark.long

PARABOLA = ("--package", str(METHODS), "--no-mlflow")


@pytest.mark.parametrize("way", ["dashboard", "address", "client"])
def test_nobody_gets_in_without_the_token(there: There, way: str) -> None:
    address = getattr(there.cluster, way)
    command = "submit" if way == "dashboard" else "run"
    order = (command, there.write("locked"), "--address", address, "--storage", there.storage, *PARABOLA)
    _, said = there.run(*order, access=False, code=2)
    assert f"the cluster at {address} demands a token: set RAY_AUTH_TOKEN" in said
    _, said = there.run(*order, access=False, RAY_AUTH_TOKEN="0" * 32, code=2)
    assert f"the token set here differs from that of the cluster at {address}" in said
    assert not Path(there.storage, "studies/locked").exists()


def test_a_driver_on_a_node_finds_the_cluster_and_sends_it_our_code(there: There) -> None:
    file = there.write("near", trials="4")
    order = ("run", file, "--address", "auto", "--storage", there.storage, *PARABOLA)
    said, _ = there.run(*order, RAY_ADDRESS=there.cluster.address)
    assert "The best of 4 trials" in said
    rows = saddle.results("near", storage=there.storage)
    assert [row["outcome"] for row in rows] == ["completed"] * 4


@pytest.mark.slow
def test_a_driver_is_run_on_the_head_and_takes_ctrl_c_from_here(there: There) -> None:
    file = there.write("remote", epochs="400")
    order = ("run", file, "--address", there.cluster.client, "--storage", there.storage, *PARABOLA)
    running = there.start(*order)
    trials = Path(there.storage) / "studies/remote/trials"
    wait_until(lambda: list(trials.glob("*/checkpoints/*")), "the first epoch's checkpoint")
    head = [process for process in there.cluster.head.processes() if "saddle.cli" in process.cmdline()]
    assert len(head) == 1, "the driver runs on the head"
    running.send_signal(signal.SIGINT)
    said, complained = running.communicate(timeout=120)
    assert running.returncode == 130, said + complained
    assert "Where is the top of the parabola?" in said
    assert "Stopped. Continue with: saddle run remote.yaml" in said
    assert not head[0].is_running()


@pytest.mark.fault("client of a driver on the head gone")
@pytest.mark.slow  # Ray waits for a client that is gone to come back
def test_a_driver_on_the_head_ends_when_its_client_is_gone(there: There) -> None:
    file = there.write("orphan", epochs="400")
    running = there.start("run", file, "--address", there.cluster.client, "--storage", there.storage, *PARABOLA)
    wait_until(lambda: list(Path(there.storage).glob("studies/orphan/trials/*/checkpoints/*")), "the first checkpoint")
    [driver] = [process for process in there.cluster.head.processes() if "saddle.cli" in process.cmdline()]
    running.kill()
    running.communicate(timeout=PROCESS_SECONDS)
    wait_until(lambda: not driver.is_running() or driver.status() == "zombie", "the driver's end", 120)


class TestAddresses:
    def test_addresses_for_others_say_what_would_be_right(self) -> None:
        with pytest.raises(ClusterError, match=r"saddle submit STUDY --address http://head:8265"):
            find_cluster("http://head:8265")
        with pytest.raises(ClusterError, match=r"saddle run STUDY --address ray://head:10001"):
            find_cluster("ray://head:10001")
        assert find_cluster("head:6379") == "head:6379"

    @pytest.mark.parametrize("address", ["", "head", "ray://head", "head:port", "://"])
    def test_what_is_none_is_refused(self, address: str) -> None:
        with pytest.raises(ClusterError, match="write auto, HOST:PORT, ray://HOST:PORT or http://HOST:PORT"):
            split(address)

    def test_this_machine_is_told_from_others(self) -> None:
        assert is_loopback("localhost")
        assert is_loopback("127.0.0.9")
        assert is_loopback("::1")
        assert not is_loopback("192.0.2.1")
        assert not is_loopback("0.0.0.0")
        assert not is_loopback("no-such-host.invalid")
