"""A fraction of components in blocks, run by Ray: planned order, settings of every arm, effects, and continuing."""

from __future__ import annotations

import json

import pytest

from saddle.archive.studies import read_study
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.trial.run_id import RunId
from tests.support.commands import Command

pytestmark = pytest.mark.long

STUDY = """\
study: designed
trainable: parabola
ablation:
  design: {fractional: {resolution: 3}}
  factors: {near: , lift: , bend: [0.0, 0.3]}
  components:
    near: {on: {x: 0.3}, off: {x: 0.9}}
    lift: {on: {shift: 0.2, mode: curved}, off: {shift: 0.0, mode: plain}}
  blocks: {epochs: [1, 2]}
  seeds: SEEDS
  compare: {metric: test/score}
resources: {concurrency: 1}
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The study, run with two seeds and then with one more."""
    command = Command(tmp_path_factory.mktemp("designed"))
    for seeds in (2, 3):
        (command.folder / "designed.yaml").write_text(STUDY.replace("SEEDS", str(seeds)))
        command.run("run", "designed.yaml")
    return command


def test_trials_are_run_in_the_planned_order(ran: Command) -> None:
    [plan] = json.loads(ran.run("plan", "designed.yaml", "--json"))
    entries = sorted(Ledger(LocalStore(ran.folder / "runs"), RunId("designed")), key=lambda entry: entry.started)
    assert [entry.seed for entry in entries] == [0] * 8 + [1] * 8 + [2] * 8
    first = [f"{entry.arm} in epochs={entry.block['epochs']}" for entry in entries[:8]]
    assert first == plan["design"]["order_of_first_seed"]
    assert first != sorted(first)


def test_every_arm_is_trained_with_what_its_components_set(ran: Command) -> None:
    rows = ran.rows("designed")
    assert len({(row["arm"], row["seed"], row["block"]["epochs"]) for row in rows}) == len(rows) == 24
    for row in rows:
        levels = dict(part.split("=") for part in row["arm"].split(", "))
        assert row["params"]["x"] == (0.3 if levels["near"] == "on" else 0.9)
        assert row["params"]["shift"] == (0.2 if levels["lift"] == "on" else 0.0)
        assert row["params"]["mode"] == ("curved" if levels["lift"] == "on" else "plain")
        assert row["params"]["bend"] == float(levels["bend"])
        assert row["params"]["epochs"] == row["epochs"] == row["block"]["epochs"]


def test_the_effects_put_in_come_out(ran: Command) -> None:
    store = LocalStore(ran.folder / "runs")
    stored = read_study(store, "designed")
    entries = list(Ledger(store, RunId("designed")))
    answer = stored.results(entries).answer
    means = {effect.name.partition(" (")[0]: effect.mean for effect in answer.effects}
    seeds = 0.01 * (0.9 - 0.3)  # per seed, beside the parabola's own difference
    assert means == pytest.approx({"near=off": -0.36 + seeds, "lift=off": -0.2, "bend=0.3": -0.3})
    assert {effect.n for effect in answer.effects} == {3}
    assert sum(row[1].startswith("epochs=") for row in answer.block_rows) == 6


def test_everybody_agrees_on_it(ran: Command) -> None:
    assert "24 finished trials compared, everything agrees" in ran.run("verify", "designed")
    assert ran.leftovers() == []
