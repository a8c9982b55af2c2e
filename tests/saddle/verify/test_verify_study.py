"""Every part of a stored study is damaged in turn: named, and mended where it follows from the ledger."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient
from typer.testing import CliRunner

from saddle.archive.studies import read_study
from saddle.cli.app import app
from saddle.search.storage import open_journal
from saddle.store.checkpoint.retention import Removal, remove, removed
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.ownership.lock import lock_study
from saddle.track.outbox import Outbox
from saddle.track.server import serve
from saddle.trial.run_id import RunId
from saddle.verify.difference import Difference
from saddle.verify.repair import repair_study
from saddle.verify.verify_study import verify_study
from tests.saddle.verify.damages import (
    FIRST,
    MENDABLE,
    change_a_manifest,
    client,
    completed,
    damage_an_entry,
    double_a_point,
    forget_a_begun_trial,
    lose_a_checkpoint,
    lose_an_entry,
    meet_a_newer_saddle,
    misplace_an_entry,
    name_lost_files,
    runs,
    said,
    truncate_a_checkpoint,
)

pytestmark = pytest.mark.long


@pytest.mark.parametrize("study", ["top", "troubles", "crossed"])
def test_what_has_just_run_is_clean(store: LocalStore, study: str) -> None:
    found = verify_study(store, RunId(study))
    assert said(found.differences) == []
    assert len(found.finished) == found.total == {"top": 6, "troubles": 4, "crossed": 12}[study]


def test_the_policy_was_applied_when_the_study_ended(store: LocalStore) -> None:
    entries = Ledger(store, RunId("troubles")).entries()
    assert {path for entry in entries for path in entry.checkpoints.values()} <= set(removed(store, RunId("troubles")))
    assert not [path for path in removed(store, RunId("troubles")) if store.exists(path)]
    assert removed(store, RunId("top")) == {}
    notes = verify_study(store, RunId("troubles")).notes
    assert any("checkpoints were removed by the study's policy" in note for note in notes)


def test_an_arms_numbers_and_verdict_are_compared_and_told_again(store: LocalStore) -> None:
    mlflow, [arm] = client(store), runs(store, "troubles")["arm/trouble=none"]
    assert mlflow.get_run(arm).data.tags["saddle.verdict"] == "baseline"
    assert mlflow.get_run(arm).data.metrics["seeds"] == 2
    mlflow.set_tag(arm, "saddle.verdict", "helps")
    [other] = runs(store, "troubles")["arm/trouble=raise"]
    mlflow.log_batch(other, metrics=[Metric("seeds", 7.0, 1_900_000_000_000, 1)])
    assert said(verify_study(store, RunId("troubles")).differences) == [
        "mlflow: saddle.verdict of the run of the arm trouble=none is missing or differs",
        "mlflow: seeds of the run of the arm trouble=raise is missing or differs",
    ]
    mlflow.log_batch(other, metrics=[Metric("seeds", 0.0, 1_900_000_000_001, 1)])
    assert said(repair_study(store, RunId("troubles")).differences) == []
    assert mlflow.get_run(arm).data.tags["saddle.verdict"] == "baseline"


def test_the_effects_of_a_factorial_design_are_compared_and_told_again(store: LocalStore) -> None:
    mlflow, [run] = client(store), runs(store, "crossed")[""]
    told = mlflow.get_run(run).data.tags
    name, other = "saddle.main effect: x: 0.5", "saddle.interaction: x: 0.5 x shift: 0.1"
    assert told[name].startswith("hurts")
    mlflow.set_tag(run, name, told[name].replace("hurts", "helps"))
    mlflow.delete_tag(run, other)
    mlflow.set_tag(run, "saddle.answer", "x=0.5 helps.")
    [difference] = verify_study(store, RunId("crossed")).differences
    assert str(difference).startswith("mlflow: ")
    assert str(difference).endswith(" of the run of the study is missing or differs")
    for one in (name, other, "saddle.answer"):
        assert one in str(difference), one
    repaired = repair_study(store, RunId("crossed"))
    assert (said(repaired.differences), list(repaired.repaired)) == ([], [difference])
    assert mlflow.get_run(run).data.tags == told


@pytest.mark.parametrize("damage", MENDABLE, ids=lambda damage: damage.__name__)
def test_it_is_named_and_mended(store: LocalStore, damage: Callable[[LocalStore], list[str]]) -> None:
    expected = damage(store)
    found = verify_study(store, RunId("top"))
    for start in expected:
        assert any(one.startswith(start) for one in said(found.differences)), said(found.differences)
    assert all(one.repairable for one in found.differences)
    again = verify_study(store, RunId("top"))
    assert said(again.differences) == said(found.differences), "looking changes nothing"
    mended = repair_study(store, RunId("top"))
    assert said(mended.differences) == []
    assert {str(one) for one in found.differences} <= {str(one) for one in mended.repaired}
    assert said(verify_study(store, RunId("top")).differences) == []
    to_do = damage in (damage_an_entry, lose_an_entry, forget_a_begun_trial)
    assert len(mended.unfinished) == to_do, "a trial without an entry is to be run again, from its checkpoint"


@pytest.mark.parametrize(
    "damage",
    [truncate_a_checkpoint, lose_a_checkpoint, change_a_manifest, name_lost_files,
     meet_a_newer_saddle, misplace_an_entry],
    ids=lambda damage: damage.__name__,
)  # fmt: skip
def test_what_is_lost_is_named_and_stays_so(store: LocalStore, damage: Callable[[LocalStore], str]) -> None:
    what = damage(store)
    found = [one for one in verify_study(store, RunId("top")).differences if not one.repairable]
    assert len(found) == 1
    assert what in str(found[0])
    assert said(repair_study(store, RunId("top")).differences) == [str(found[0])]


def test_what_the_policy_removed_is_no_difference(store: LocalStore) -> None:
    entry = Ledger(store, RunId("top")).get(completed(store))
    path = entry.checkpoints["best"]
    remove(store, RunId("top"), [Removal(entry.key, path, 1, "not among the best 3")])
    found = verify_study(store, RunId("top"))
    assert found.clean
    assert "1 checkpoints were removed by the study's policy" in found.notes


def test_a_damaged_study_file_is_named(store: LocalStore) -> None:
    store.write(Ledger(store, RunId("top")).path(FIRST), b"")
    store.write("studies/top/study.yaml", b"study: [")
    found = said(verify_study(store, RunId("top")).differences)
    assert found[0].startswith("study: ")
    assert "study.yaml" in found[0]
    assert found[1].startswith(f"ledger: {FIRST}: the entry is damaged")


def test_an_ablation_is_mended_too(store: LocalStore) -> None:
    mlflow, by_key = client(store), runs(store, "troubles")
    arm = next(key for key in by_key if key.startswith("arm/"))
    mlflow.delete_run(by_key[arm][0])
    failed = next(entry.key for entry in Ledger(store, RunId("troubles")) if entry.outcome == "failed")
    mlflow.update_run(by_key[failed][0], status="RUNNING")
    found = said(verify_study(store, RunId("troubles")).differences)
    assert f"mlflow: the run of the arm {arm[4:]} is missing" in found
    assert f"mlflow: {failed}: its run is RUNNING, and should be FAILED" in found
    assert said(repair_study(store, RunId("troubles")).differences) == []


def test_a_killed_study_leaves_nothing_running(store: LocalStore) -> None:
    """The state of things when a driver was killed with one trial under way."""
    key = completed(store)
    entry = Ledger(store, RunId("top")).get(key)
    Ledger(store, RunId("top")).remove(key)
    store.delete("studies/top/optuna.journal")
    repair_study(store, RunId("top"))  # Optuna has it RUNNING again
    progress = json.loads(store.read("studies/top/progress.json"))
    store.write("studies/top/progress.json", json.dumps({**progress, "state": "running"}).encode())
    mlflow = client(store)
    experiment = mlflow.get_experiment_by_name("top")
    stored = read_study(store, "top")
    assert experiment is not None
    assert stored is not None
    mlflow.create_run(experiment.experiment_id, tags={"saddle.key": f"{stored.instance}/{key}"})
    mlflow.update_run(runs(store)[""][0], status="RUNNING")
    found = verify_study(store, RunId("top"))
    assert found.unfinished == [key]
    assert f"mlflow: {key}: its run is left RUNNING, and no driver runs the study" in said(found.differences)
    mended = repair_study(store, RunId("top"))
    assert (said(mended.differences), mended.unfinished) == ([], [key])
    assert mlflow.get_run(runs(store)[key][0]).info.status == "KILLED"
    assert entry.number is not None
    trials = optuna.load_study(study_name="top", storage=open_journal(store.path("studies/top/optuna.journal"))).trials
    assert trials[entry.number].params == entry.settings
    assert trials[entry.number].state.name == "RUNNING"


def test_what_waits_in_the_outbox_is_said_and_delivered(store: LocalStore) -> None:
    stored = read_study(store, "top")
    assert stored is not None

    def refuse() -> Any:
        raise ConnectionError("nobody is there")

    outbox = Outbox(store.path("studies/top/outbox"), refuse)
    outbox.add({"do": "tags", "key": f"{stored.instance}/{FIRST}", "values": {"late": "yes"}})
    outbox.close(0.1)
    client(store).set_tag(runs(store)[FIRST][0], "saddle.outcome", "failed")
    found = verify_study(store, RunId("top"))
    assert said(found.differences) == ["mlflow: 1 messages wait in the outbox"], "the trial they speak of is not judged"
    mended = repair_study(store, RunId("top"))
    assert said(mended.differences) == []
    tags = client(store).get_run(runs(store)[FIRST][0]).data.tags
    assert (tags["late"], tags["saddle.outcome"]) == ("yes", Ledger(store, RunId("top")).get(FIRST).outcome)


def test_mlflow_that_does_not_answer_is_said_and_the_rest_compared(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    store.delete("studies/top/optuna.journal")
    found = said(verify_study(store, RunId("top")).differences)
    assert found[0].startswith("optuna: there is no study")
    assert found[1].startswith("mlflow: can't be compared: MlflowException")


def test_a_study_never_tracked_lacks_nothing(store: LocalStore) -> None:
    for gone in ("mlflow", "studies/top/outbox", "studies/top/tracked"):
        store.delete(gone)
    found = verify_study(store, RunId("top"))
    assert found.clean
    assert "the study was never tracked in MLflow" in found.notes
    assert not store.exists("mlflow"), "looking makes no database"


def test_while_a_driver_runs_the_study_only_the_finished_is_compared(store: LocalStore) -> None:
    client(store).update_run(runs(store)[""][0], status="RUNNING")
    with lock_study(store, RunId("top")):
        found = verify_study(store, RunId("top"))
        result = CliRunner().invoke(app, ["verify", "top", "--repair", "--storage", str(store.root)])
    assert found.clean
    assert any(f"process {os.getpid()} is running the study" in note for note in found.notes)
    assert result.exit_code == 2
    assert "another driver" in result.stderr


def test_the_command_ends_with_one_where_something_differs(store: LocalStore) -> None:
    def saddle(*arguments: str) -> Any:
        return CliRunner().invoke(app, [*arguments, "--storage", str(store.root)])

    clean = saddle("verify", "top")
    assert (clean.exit_code, "6 finished trials compared, everything agrees" in clean.stdout) == (0, True)
    store.delete("studies/top/optuna.journal")
    store.delete(Ledger(store, RunId("top")).get(FIRST).checkpoints["best"])
    differs = saddle("verify", "top")
    assert differs.exit_code == 1
    assert "differs optuna: there is no study of this name" in differs.stdout
    assert f"lost    checkpoints: {FIRST}: the best" in differs.stdout
    assert "--repair" in differs.stdout
    mended = saddle("verify", "top", "--repair", "--json")
    assert mended.exit_code == 1, "something remains"
    [facts] = json.loads(mended.stdout)
    assert [one["where"] for one in facts["repaired"]] == ["optuna"]
    assert [(one["where"], one["trial"], one["repairable"]) for one in facts["differences"]] == [
        ("checkpoints", FIRST, False)
    ]
    assert saddle("verify", "tops").exit_code == 2


def test_the_number_of_calls_does_not_grow_with_the_trials(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a call for each metric of each trial, five hundred trials would take thousands."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    calls = []
    for name in ("get_metric_history_bulk", "get_metric_history", "search_runs", "get_run"):
        real = getattr(SqlAlchemyStore, name)
        monkeypatch.setattr(
            SqlAlchemyStore, name, lambda *a, _real=real, _name=name, **k: (calls.append(_name), _real(*a, **k))[1]
        )
    assert verify_study(store, RunId("top")).clean
    metrics = {name for entry in Ledger(store, RunId("top")) for epoch in entry.curve for name in epoch}
    assert len(calls) <= len(metrics) + 6, "a call for each metric, whatever the number of trials"


def test_a_server_is_asked_for_many_runs_at_once(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def singly(*arguments: Any, **named: Any) -> Any:
        raise AssertionError("asked for one metric of one run")

    with serve(store) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
        monkeypatch.setattr(MlflowClient, "get_metric_history", singly)
        assert said(verify_study(store, RunId("top")).differences) == []
        double_a_point(store)
        assert said(verify_study(store, RunId("top")).differences) == [
            f"mlflow: {FIRST}: points of validation/score are double"
        ]


def test_differences_are_told_apart() -> None:
    assert str(Difference("optuna", "t", "what")) == "optuna: t: what"
    assert not Difference("optuna", "t", "what").repairable


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path: Path) -> Any:
    yield
    shutil.rmtree(tmp_path / "kept", ignore_errors=True)
