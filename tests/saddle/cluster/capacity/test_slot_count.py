"""How many trials run at once as nodes come and go, and what is asked for; without a cluster."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from saddle.cluster.capacity import slot_count
from saddle.cluster.capacity.resources import Nodes
from saddle.cluster.capacity.slot_count import SlotCount
from saddle.study.models import Study
from saddle.studyfile.loader import parse_studies

SEARCH = """
study: s
trainable: parabola
search: {x: {float: [0.0, 1.0]}}
objective: {maximize: validation/score}
sampler: SAMPLER
budget: {trials: 20}
resources: RESOURCES
"""

HEAD = {"node:__internal_head__": 1.0}
NODE = {"CPU": 2.0}


def study(resources: str = "{}", sampler: str = "random") -> Study:
    [made] = parse_studies(SEARCH.replace("RESOURCES", resources).replace("SAMPLER", sampler), "s.yaml")
    return made


class Cluster:
    """Nodes that a test changes, looked at whenever it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *nodes: Mapping[str, float]) -> None:
        self.nodes: Nodes = nodes
        monkeypatch.setattr(slot_count, "LOOK_EVERY", 0.0)

    def count(self, study: Study) -> SlotCount:
        return SlotCount(study, self.nodes, lambda: self.nodes)


def test_nodes_that_join_and_leave_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(monkeypatch, NODE)
    slots = cluster.count(study())
    assert (slots.at_once(0, 20), slots.recount()) == (2, False)
    cluster.nodes = (NODE, NODE, {"CPU": 1.0})
    assert (slots.recount(), slots.at_once(0, 20)) == (True, 5)
    cluster.nodes = (HEAD,)
    assert slots.recount()
    assert (slots.fitting, slots.at_once(0, 20)) == (0, 1), "one waits for room"
    cluster.nodes = (NODE,)
    assert (slots.recount(), slots.at_once(0, 20)) == (True, 2)


def test_no_more_run_at_once_than_declared_and_none_is_asked_for_that_no_trial_is_left_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slots = Cluster(monkeypatch, NODE, NODE, NODE).count(study("{slots: 4}"))
    assert [slots.at_once(0, total) for total in (None, 20, 4, 3, 1)] == [4, 4, 4, 3, 1]
    assert [slots.usable(done, 20) for done in (0, 16, 17, 19, 20)] == [4, 4, 3, 1, 0]
    assert slots.usable(1000, None) == 4
    assert Cluster(monkeypatch, NODE).count(study("{concurrency: 4}")).usable(0, 20) == 0, "nothing is asked for"


def test_start_up_trials_cover_what_runs_at_once_until_as_many_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = Cluster(monkeypatch, *[NODE] * 8).count(study(sampler="{tpe: {startup_trials: 3, seed: 0}}"))
    assert [slots.at_once(done, 20) for done in (0, 3, 5, 10)] == [3, 3, 5, 10]


def test_a_bundle_for_each_worker_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = Cluster(monkeypatch, HEAD).count(study("{slots: 2, workers: 3, gpus_per_worker: 1}"))
    assert slots.bundles(2) == [{"CPU": 1.0, "GPU": 1.0}] * 6
    assert slots.bundles(1, "old") == [{"CPU": 1.0, "GPU": 1.0, "old": 0.001}] * 3
    assert slots.bundles(0) == []


@pytest.mark.parametrize(
    ("resources", "nodes", "waits"),
    [
        ("{slots: 2}", (HEAD,), True),
        ("{}", (HEAD,), True),  # no node for trials at all is not a mistake of the study's
        ("{slots: 2, cpus_per_worker: 8}", (NODE,), True),
        ("{cpus_per_worker: 8}", (NODE,), False),
    ],
)
def test_nodes_are_waited_for_where_they_were_declared_or_none_is_there(
    resources: str, nodes: Nodes, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots = Cluster(monkeypatch, *nodes).count(study(resources))
    assert (slots.fitting, slots.may_wait) == (0, waits)
    assert not SlotCount(study(resources), nodes).may_wait, "a Ray of our own stays one machine"
    assert "too few" in slots.shortfall()


def test_slots_and_concurrency_are_one_limit() -> None:
    with pytest.raises(Exception, match="slots and concurrency both limit how many trials run"):
        study("{slots: 2, concurrency: 2}")
