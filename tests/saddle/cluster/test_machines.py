"""Kinds of machines as blocks: each replicate trains on a node of its kind; without one nothing starts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from saddle.cluster.capacity.resources import slots_for
from saddle.cluster.connection import OBJECT_STORE_BYTES
from saddle.errors import DoesNotFit
from saddle.execute.driver import Options, run_study
from saddle.execute.plan.study_plan import plan_study
from saddle.store.local import LocalStore
from saddle.study.models import Study
from saddle.study.trainable.loading import load_trainable
from saddle.studyfile.loader import parse_studies
from tests.support.results import results_of

pytestmark = pytest.mark.long

STUDY = """\
study: machines
trainable: parabola
ablation:
  factors: {x: [0.3, 0.5]}
  blocks: {machine: [old, new]}
  seeds: 2
  compare: {metric: test/score}
"""
NODES = {"old": 1, "new": 2}
"""The kinds of nodes, and what their processes find in FAKE_NODE."""


def study(text: str = STUDY) -> Study:
    [found] = parse_studies(text, "machines.yaml")
    return found


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[dict[str, float]]]:
    """A head without CPUs, and a node of each kind."""
    head = {"num_cpus": 0, "object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for kind, number in NODES.items():
        cluster.add_node(
            num_cpus=2,
            resources={kind: 1},
            object_store_memory=OBJECT_STORE_BYTES,
            env_vars={"FAKE_NODE": str(number)},
        )
    ray.init(address=cluster.address, log_to_driver=False)
    cluster.wait_for_nodes()
    yield [dict(node["Resources"]) for node in ray.nodes() if node["Alive"]]
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_every_replicate_trains_on_its_kind_of_machine(workers: int, nodes, tmp_path: Path) -> None:
    asked = study(f"{STUDY}resources: {{workers: {workers}}}\n")
    entries = run_study(asked, LocalStore(tmp_path), nodes, Options(track=False)).entries
    assert len(entries) == 2 * 2 * 2
    for entry in entries:
        assert entry.metrics["test/node"] == NODES[entry.block["machine"]]
        assert "machine" not in entry.settings
    answer = results_of(asked, load_trainable("parabola"), entries, {}).answer
    assert [row[:2] for row in answer.block_rows] == [("x=0.5", "machine=old"), ("x=0.5", "machine=new")]


RACE = """\
study: machines
trainable: parabola
fixed: {epochs: 1}
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5, 0.32]}
  blocks: {machine: [old, new]}
  seeds: 5
  race: pocock
  compare: {metric: test/score}
"""
"""As in `test_races`: three seeds settle that 0.5 is worse, and nothing settles 0.32."""


@pytest.mark.slow
def test_an_arm_that_is_settled_gets_no_more_seeds_on_any_kind_of_machine(nodes, tmp_path: Path) -> None:
    raced = run_study(study(RACE), LocalStore(tmp_path / "raced"), nodes, Options(track=False))
    trained = {(e.settings["x"], e.seed, e.block["machine"]) for e in raced.entries}
    assert len(trained) == len(raced.entries)
    # the second turn is one seed, so what is known after three seeds is known before the fourth anywhere
    assert {seed for x, seed, _ in trained if x == 0.5} == {0, 1, 2}
    for x, seeds in ((0.3, 5), (0.5, 3), (0.32, 5)):
        assert len([one for one in trained if one[0] == x]) == 2 * seeds, x
    for entry in raced.entries:
        assert entry.metrics["test/node"] == NODES[entry.block["machine"]]
    worse, open_one = raced.answer.effects
    assert (str(worse.verdict), worse.settled_after) == ("hurts", 3)
    assert (str(open_one.verdict), open_one.n) == ("no difference shown", 5)
    assert any("saved 2 of 15 replicates" in warning for warning in raced.answer.warnings)
    again = run_study(study(RACE), LocalStore(tmp_path / "raced"), nodes, Options(track=False))
    assert [entry.key for entry in again.entries] == [entry.key for entry in raced.entries], "it is done"
    assert again.answer == raced.answer


def test_without_a_node_of_its_kind_nothing_starts(nodes, tmp_path: Path) -> None:
    with pytest.raises(DoesNotFit, match=r"no node offers newest, which block machine asks for; .*--resources="):
        slots_for(study(STUDY.replace("[old, new]", "[old, newest]")), nodes)
    assert slots_for(study(), nodes) == 2
    plan = plan_study(study(), LocalStore(tmp_path))
    assert any("no node offers old" in note for note in plan.notes)
    assert plan.trials == 8
