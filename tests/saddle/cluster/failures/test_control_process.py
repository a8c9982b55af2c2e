"""What the watch of a cluster that was joined makes of the cluster's answers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import ray

from saddle.cluster.failures import control_process
from saddle.cluster.failures.control_process import ClusterWatch
from saddle.errors import ClusterError

OWN, OTHER = "aa", "bb"


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A driver that has joined a cluster by the node `OWN`; the cluster answers."""
    monkeypatch.setattr(control_process, "own_node", lambda: SimpleNamespace(head=False, gcs_address="head:6379"))
    monkeypatch.setattr(control_process, "probe", lambda address, token: None)
    monkeypatch.setattr(ray, "get_runtime_context", lambda: SimpleNamespace(get_node_id=lambda: OWN))
    return monkeypatch


def know(patch: pytest.MonkeyPatch, **alive: bool) -> None:
    """Let the cluster know these nodes."""
    patch.setattr(ray, "nodes", lambda: [{"NodeID": node, "Alive": lives} for node, lives in alive.items()])


def test_a_node_that_is_taken_for_dead_is_trouble_only_if_it_is_our_own(joined: pytest.MonkeyPatch) -> None:
    know(joined, aa=True, bb=False)
    assert ClusterWatch().trouble() == ""
    know(joined, bb=True)  # a cluster forgets dead nodes some time, and may not know a new one yet
    assert ClusterWatch().trouble() == ""
    know(joined, aa=False, bb=True)
    assert ClusterWatch().trouble() == "this machine's node of the Ray cluster at head:6379 has died"


def test_a_cluster_that_can_t_be_asked_is_waited_for(joined: pytest.MonkeyPatch) -> None:
    def refuse(*asked: object) -> None:
        raise ClusterError("nobody answers")

    joined.setattr(control_process, "probe", refuse)
    know(joined, aa=False)
    assert ClusterWatch().trouble() == ""


def test_a_cluster_that_goes_away_while_it_is_asked_is_no_dead_node(joined: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("the GCS is gone")

    joined.setattr(ray, "nodes", fail)
    assert ClusterWatch().trouble() == ""
