"""What `saddle plan` says of a changed file before it runs: what is new, analysed again, refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from saddle.archive.studies import read_study, settle_study
from saddle.cli.app import app
from saddle.execute.plan.changed_file import ChangedFile, describe_change
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
from saddle.trial.run_id import RunId
from tests.support.records import make_record
from tests.support.stored import store_ablation

STUDY = """
study: s
trainable: parabola
fixed: {epochs: 1}
ablation:
  factors: {x: [0.3, 0.5]}
  seeds: 3
  compare: {metric: test/score}
"""


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """With a finished ablation of two arms."""
    store = LocalStore(tmp_path / "runs")
    store_ablation(store, STUDY, lambda one: "timed_out")  # nothing to be mixed with
    return store


def change(store: LocalStore, text: str) -> ChangedFile | None:
    stored = read_study(store, "s")
    assert stored is not None
    return describe_change(parse_studies(text, "s.yaml")[0], stored, store)


def test_an_unchanged_file_of_a_finished_study_changes_nothing(store: LocalStore) -> None:
    assert change(store, STUDY) is None


def test_new_trials_are_listed_by_arms_that_lack_the_same(store: LocalStore) -> None:
    grown = change(store, STUDY.replace("0.5]", "0.5, 0.7]").replace("seeds: 3", "seeds: 4"))
    assert grown is not None
    assert list(grown.new) == ["x=0.3 and x=0.5: 2 trials (seed 3)", "x=0.7, added: 4 trials (seeds 0, 1, 2 and 3)"]
    assert not grown.again
    assert not grown.refused


def test_what_follows_from_stored_trials_is_listed(store: LocalStore) -> None:
    grown = change(store, STUDY.replace("test/score", "test/node, also: [test/process]"))
    assert grown is not None
    assert list(grown.new) == []
    assert list(grown.again) == [
        "ablation.compare.metric: 'test/score' → 'test/node'",
        "ablation.compare.also: [] → ['test/process']",
    ]


def test_what_is_refused_is_listed_and_stops_nothing_from_being_planned(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.yaml").write_text(STUDY.replace("epochs: 1", "epochs: 2"))
    said = CliRunner().invoke(app, ["plan", "s.yaml"], catch_exceptions=False).stdout
    line = "refused: saddle run would not start: fixed.epochs: 1 → 2; it would change every arm"
    assert line in " ".join(said.split())
    [plan] = json.loads(CliRunner().invoke(app, ["plan", "s.yaml", "--json"], catch_exceptions=False).stdout)
    assert plan["change"]["new"] == []
    assert plan["change"]["refused"][0].startswith("fixed.epochs: 1 → 2")


def test_the_plan_of_a_grown_file_has_the_arms_as_they_were_run(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.yaml").write_text(STUDY.replace("{x: [0.3, 0.5]}", "{x: [0.3, 0.5], shift: [0.0, 0.5]}"))
    [plan] = json.loads(CliRunner().invoke(app, ["plan", "s.yaml", "--json"], catch_exceptions=False).stdout)
    assert [arm["arm"] for arm in plan["arms"]] == ["x=0.3", "x=0.5", "shift=0.5"]
    assert (plan["trials"], plan["done"]) == (9, 6)
    assert plan["change"]["new"] == ["shift=0.5, added: 3 trials (seeds 0, 1 and 2)"]


def test_more_trials_of_a_search_are_counted(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "runs")
    text = "study: s\ntrainable: parabola\nsearch: {x: {float: [0.0, 1.0]}}\nobjective: {maximize: validation/score}\n"
    text += "sampler: random\nbudget: {trials: 2}\n"
    settle_study(store, parse_studies(text, "s.yaml")[0], None, fresh=False)
    for number in range(2):
        trial = make_record(f"trial-{number:05d}", "s", 0, "timed_out", {}, {}, {}, number=number)
        Ledger(store, RunId("s")).add(trial)
    assert change(store, text) is None
    more = change(store, text.replace("trials: 2", "trials: 5"))
    assert more == ChangedFile(new=["3 trials"], again=[], other_code=[])
    also = change(store, text + "also: [validation/cost]\n")
    assert also == ChangedFile(new=[], again=["also: [] → ['validation/cost']"], other_code=[])
