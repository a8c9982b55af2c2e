"""What an autoscaler is asked for on behalf of several drivers; the calls to Ray are noted, not made."""

from __future__ import annotations

import pytest
import ray.autoscaler.sdk

from saddle.cluster.capacity import node_requests
from saddle.cluster.capacity.node_requests import NodeRequests
from saddle.cluster.capacity.slot_count import Bundles
from tests.support.waiting import wait_until

ONE: Bundles = [{"CPU": 1.0}]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Bundles]:
    """Each request that was made, the first of them by the actor's start."""
    requests: list[Bundles] = []
    monkeypatch.setattr(ray.autoscaler.sdk, "request_resources", lambda bundles: requests.append(bundles))
    return requests


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The jobs whose drivers run."""
    jobs = {"a", "b"}
    monkeypatch.setattr(node_requests, "live_jobs", lambda: set(jobs))
    monkeypatch.setattr(node_requests, "WATCH_SECONDS", 0.01)
    return jobs


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The actors that have ended themselves."""
    actors: list[object] = []
    context = type("Context", (), {"current_actor": "myself"})
    monkeypatch.setattr(ray, "get_runtime_context", lambda: context)
    monkeypatch.setattr(ray, "kill", actors.append)
    return actors


def test_studies_are_asked_for_together_and_each_withdraws_its_own(
    asked: list[Bundles], live: set[str], ended: list[object]
) -> None:
    requests = NodeRequests()
    assert asked == [[]], "what an earlier one left behind is withdrawn"
    requests.ask("a", ONE * 2)
    requests.ask("a", ONE * 2)
    requests.ask("b", ONE)
    requests.ask("a", [])
    assert asked[1:] == [ONE * 2, ONE * 3, ONE], "the same is not asked for twice"
    assert not ended
    requests.ask("b", [])
    assert asked[-1] == []
    wait_until(lambda: ended, "the actor's end once nobody asks", 30)


def test_what_a_killed_driver_asked_for_is_withdrawn(asked: list[Bundles], live: set[str], ended: list[object]) -> None:
    requests = NodeRequests()
    requests.ask("a", ONE * 2)
    requests.ask("b", ONE)
    live.discard("a")
    wait_until(lambda: asked[-1] == ONE, "the request of the driver that lives", 30)
    live.discard("b")
    wait_until(lambda: asked[-1] == [], "no request", 30)
    wait_until(lambda: ended, "the actor's end", 30)


def test_a_study_that_asks_for_nothing_starts_no_actor(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(node_requests, "start_requests", lambda: started.append("actor"))
    with node_requests.asking_for_nodes() as request:
        request.ask([])
        request.repeat()
        request.ask([])
    assert not started
