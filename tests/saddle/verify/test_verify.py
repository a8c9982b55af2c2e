"""Every part of a stored study is damaged in turn: named, and mended where it follows from the ledger."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pyarrow.parquet as pq
import pytest
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient
from typer.testing import CliRunner

from saddle.archive.studies import read_study
from saddle.cli.app import app
from saddle.search.optuna_proposals import trial_key
from saddle.search.storage import open_journal
from saddle.store.checkpoints import Checkpoints
from saddle.store.entry import SCHEMA_VERSION
from saddle.store.ledger import Ledger, encode
from saddle.store.local import LocalStore
from saddle.store.lock import hold_study
from saddle.store.retention import Removal, remove, removed
from saddle.track.outbox import Outbox
from saddle.track.server import serve
from saddle.verify.difference import Difference
from saddle.verify.repair import repair_study
from saddle.verify.verifying import verify_study

FIRST = "trial-00000"


def said(differences: Any, where: str | None = None) -> list[str]:
    return [str(one) for one in differences if where is None or one.where == where]


def client(store: LocalStore) -> MlflowClient:
    return MlflowClient(f"sqlite:///{store.root}/mlflow/mlflow.db")


def runs(store: LocalStore, study: str = "top") -> dict[str, list[str]]:
    """Run ids by the key of the trial (or `arm/…`, or nothing for the study)."""
    mlflow = client(store)
    stored = read_study(store, study)
    assert stored is not None
    experiment = mlflow.get_experiment_by_name(study)
    assert experiment is not None
    found: dict[str, list[str]] = {}
    for run in mlflow.search_runs([experiment.experiment_id]):
        key = run.data.tags["saddle.key"].removeprefix(stored.instance).removeprefix("/")
        found.setdefault(key, []).append(run.info.run_id)
    return found


def completed(store: LocalStore) -> str:
    """The key of a trial with metrics on test."""
    return next(entry.key for entry in Ledger(store, "top").entries() if entry.outcome == "completed")


@pytest.mark.parametrize("study", ["top", "troubles"])
def test_what_has_just_run_is_clean(store: LocalStore, study: str) -> None:
    found = verify_study(store, study)
    assert said(found.differences) == []
    assert len(found.finished) == found.total == {"top": 6, "troubles": 4}[study]


def test_the_policy_was_applied_when_the_study_ended(store: LocalStore) -> None:
    entries = Ledger(store, "troubles").entries()
    assert {path for entry in entries for path in entry.checkpoints.values()} <= set(removed(store, "troubles"))
    assert not [path for path in removed(store, "troubles") if store.exists(path)]
    assert removed(store, "top") == {}
    notes = verify_study(store, "troubles").notes
    assert any("checkpoints were removed by the study's policy" in note for note in notes)


# each of these damages the search and gives what is said of it


def lose_journal(store: LocalStore) -> list[str]:
    store.delete("studies/top/optuna.journal")
    return ["optuna: there is no study of this name"]


def garble_journal(store: LocalStore) -> list[str]:
    path = store.path("studies/top/optuna.journal")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:5], b"{rubbish\n", *lines[5:]]))
    return ["optuna: the study can't be read"]


def lose_the_end_of_the_journal(store: LocalStore) -> list[str]:
    path = store.path("studies/top/optuna.journal")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) // 2]))
    return [f"optuna: {trial_key(5)}: it is missing"]


def change_optunas_value(store: LocalStore) -> list[str]:
    entry = Ledger(store, "top").get(completed(store))
    changed = {**entry.metrics, "validation/score": 0.123}
    Ledger(store, "top").add(replace(entry, metrics=changed))
    return [f"optuna: {entry.key}: its values are"]


def change_a_curve(store: LocalStore) -> list[str]:
    entry = Ledger(store, "top").get(completed(store))
    curve = [dict(epoch) for epoch in entry.curve]
    curve[0]["validation/score"] = 0.123
    Ledger(store, "top").add(replace(entry, curve=curve))
    manifest = Checkpoints.of_trial(store, "top", entry.key)
    manifest.update(curve=curve)
    return [
        f"optuna: {entry.key}: value of epoch 1 differs",
        f"mlflow: {entry.key}: points of validation/score are different",
    ]


def lose_a_run(store: LocalStore) -> list[str]:
    client(store).delete_run(runs(store)[FIRST][0])
    return [f"mlflow: {FIRST}: its run is missing"]


def lose_the_studys_run(store: LocalStore) -> list[str]:
    client(store).delete_run(runs(store)[""][0])
    return ["mlflow: the run of the study is missing", f"mlflow: {FIRST}: its run has the wrong parent"]


def lose_every_run(store: LocalStore) -> list[str]:
    for [run_id] in runs(store).values():
        client(store).delete_run(run_id)
    return ["mlflow: the run of the study is missing", f"mlflow: {FIRST}: its run is missing"]


def lose_the_experiment(store: LocalStore) -> list[str]:
    experiment = client(store).get_experiment_by_name("top")
    assert experiment is not None
    client(store).delete_experiment(experiment.experiment_id)
    return ["mlflow: the experiment was deleted"]


def lose_mlflow(store: LocalStore) -> list[str]:
    store.delete("mlflow/mlflow.db")
    return ["mlflow: there is no MLflow database"]


def double_a_run(store: LocalStore) -> list[str]:
    mlflow = client(store)
    run = mlflow.get_run(runs(store)[FIRST][0])
    tags = {name: value for name, value in run.data.tags.items() if not name.startswith("mlflow.")}
    mlflow.create_run(run.info.experiment_id, tags=tags)
    return [f"mlflow: {FIRST}: 2 runs have its key"]


def leave_a_run_running(store: LocalStore) -> list[str]:
    client(store).update_run(runs(store)[FIRST][0], status="RUNNING")
    return [f"mlflow: {FIRST}: its run is RUNNING, and should be FINISHED"]


def leave_the_study_running(store: LocalStore) -> list[str]:
    client(store).update_run(runs(store)[""][0], status="RUNNING")
    return ["mlflow: the run of the study is RUNNING, and should be FINISHED"]


def double_a_point(store: LocalStore) -> list[str]:
    value = Ledger(store, "top").get(FIRST).curve[0]["validation/score"]
    client(store).log_batch(runs(store)[FIRST][0], metrics=[Metric("validation/score", value, 1_700_000_000_000, 1)])
    return [f"mlflow: {FIRST}: points of validation/score are double"]


def add_a_point(store: LocalStore) -> list[str]:
    client(store).log_batch(runs(store)[FIRST][0], metrics=[Metric("train/loss", 1.0, 1, 99)])
    return [f"mlflow: {FIRST}: points of train/loss are too many"]


def change_a_tag(store: LocalStore) -> list[str]:
    client(store).set_tag(runs(store)[FIRST][0], "saddle.outcome", "failed")
    return [f"mlflow: {FIRST}: the tag saddle.outcome is missing or differs"]


def change_a_parameter(store: LocalStore) -> list[str]:
    client(store).log_param(runs(store)[FIRST][0], "not_ours", 1)
    return [f"mlflow: {FIRST}: the parameter not_ours differs"]


def damage_an_entry(store: LocalStore) -> list[str]:
    key = completed(store)
    store.write(Ledger(store, "top").path(key), b"PAR1 rubbish")
    return [f"ledger: {key}: the entry is damaged"]


def lose_an_entry(store: LocalStore) -> list[str]:
    key = completed(store)
    Ledger(store, "top").remove(key)
    return [f"optuna: {key}: it is COMPLETE, and the ledger has no entry", f"mlflow: {key}: its run ended as completed"]


def copy_an_entry(store: LocalStore) -> list[str]:
    store.write("studies/top/ledger/copy.parquet", store.read(Ledger(store, "top").path(FIRST)))
    return [f"ledger: copy: the file copy.parquet holds the entry of {FIRST}"]


def leave_a_folder(store: LocalStore) -> list[str]:
    store.write("studies/top/trials/trial-00042/checkpoints/epoch-00001.pt", b"123")
    return ["checkpoints: trial-00042: nobody knows the trial of this folder"]


def lose_a_manifest(store: LocalStore) -> list[str]:
    key = completed(store)
    store.delete(f"studies/top/trials/{key}/checkpoints/manifest.json")
    return [f"checkpoints: {key}: the manifest of its checkpoints is missing"]


def garble_a_manifest(store: LocalStore) -> list[str]:
    key = completed(store)
    store.write(f"studies/top/trials/{key}/checkpoints/manifest.json", b'{"saved": [')
    return [f"checkpoints: {key}: the manifest of its checkpoints is damaged"]


def forget_a_begun_trial(store: LocalStore) -> list[str]:
    store.write("studies/top/trials/trial-00009/proposal.json", b'{"number": 9, "settings": {"x": 1.0}}')
    return ["optuna: trial-00009: it has begun, and is missing"]


MENDABLE = [
    lose_journal, garble_journal, lose_the_end_of_the_journal, change_optunas_value, change_a_curve, lose_a_run,
    lose_the_studys_run, lose_every_run, lose_the_experiment, lose_mlflow, double_a_run, leave_a_run_running,
    leave_the_study_running, double_a_point, add_a_point, change_a_tag, change_a_parameter, damage_an_entry,
    lose_an_entry, copy_an_entry, leave_a_folder, lose_a_manifest, garble_a_manifest, forget_a_begun_trial,
]  # fmt: skip


@pytest.mark.parametrize("damage", MENDABLE, ids=lambda damage: damage.__name__)
def test_it_is_named_and_mended(store: LocalStore, damage: Callable[[LocalStore], list[str]]) -> None:
    expected = damage(store)
    found = verify_study(store, "top")
    for start in expected:
        assert any(one.startswith(start) for one in said(found.differences)), said(found.differences)
    assert all(one.repairable for one in found.differences)
    again = verify_study(store, "top")
    assert said(again.differences) == said(found.differences), "looking changes nothing"
    mended = repair_study(store, "top")
    assert said(mended.differences) == []
    assert {str(one) for one in found.differences} <= {str(one) for one in mended.repaired}
    assert said(verify_study(store, "top").differences) == []
    to_do = damage in (damage_an_entry, lose_an_entry, forget_a_begun_trial)
    assert len(mended.unfinished) == to_do, "a trial without an entry is to be run again, from its checkpoint"


# each of these damages what can't be derived


def truncate_a_checkpoint(store: LocalStore) -> str:
    path = Ledger(store, "top").get(completed(store)).checkpoints["best"]
    store.write(path, store.read(path)[:-10])
    return "checkpoint epoch-00004.pt is damaged: its checksum is another"


def lose_a_checkpoint(store: LocalStore) -> str:
    store.delete(Ledger(store, "top").get(completed(store)).checkpoints["last"])
    return "checkpoint epoch-00004.pt is missing"


def change_a_manifest(store: LocalStore) -> str:
    checkpoints = Checkpoints.of_trial(store, "top", completed(store))
    checkpoints.update(curve=checkpoints.manifest.curve[:-1])
    return "the manifest's curve of 3 epochs differs from the ledger's of 4"


def name_lost_files(store: LocalStore) -> str:
    entry = Ledger(store, "top").get(completed(store))
    Ledger(store, "top").add(replace(entry, arrays={"right": "studies/top/trials/x/right.npy"}))
    return "the array right is missing"


def meet_a_newer_saddle(store: LocalStore) -> str:
    path = store.path(Ledger(store, "top").path(completed(store)))
    table = pq.read_table(path)
    index = table.schema.get_field_index("version")
    pq.write_table(table.set_column(index, "version", [[SCHEMA_VERSION + 1]]), path)
    return f"has version {SCHEMA_VERSION + 1}"


def misplace_an_entry(store: LocalStore) -> str:
    entry = Ledger(store, "top").get(FIRST)
    store.write("studies/top/ledger/other.parquet", encode(replace(entry, key="other")))
    return "no trial of the search has this key"


@pytest.mark.parametrize(
    "damage",
    [truncate_a_checkpoint, lose_a_checkpoint, change_a_manifest, name_lost_files,
     meet_a_newer_saddle, misplace_an_entry],
    ids=lambda damage: damage.__name__,
)  # fmt: skip
def test_what_is_lost_is_named_and_stays_so(store: LocalStore, damage: Callable[[LocalStore], str]) -> None:
    what = damage(store)
    found = [one for one in verify_study(store, "top").differences if not one.repairable]
    assert len(found) == 1
    assert what in str(found[0])
    assert said(repair_study(store, "top").differences) == [str(found[0])]


def test_what_the_policy_removed_is_no_difference(store: LocalStore) -> None:
    entry = Ledger(store, "top").get(completed(store))
    path = entry.checkpoints["best"]
    remove(store, "top", [Removal(entry.key, path, 1, "not among the best 3")])
    found = verify_study(store, "top")
    assert found.clean
    assert "1 checkpoints were removed by the study's policy" in found.notes


def test_a_damaged_study_file_is_named(store: LocalStore) -> None:
    store.write(Ledger(store, "top").path(FIRST), b"")
    store.write("studies/top/study.yaml", b"study: [")
    found = said(verify_study(store, "top").differences)
    assert found[0].startswith("study: ")
    assert "study.yaml" in found[0]
    assert found[1].startswith(f"ledger: {FIRST}: the entry is damaged")


def test_an_ablation_is_mended_too(store: LocalStore) -> None:
    mlflow, by_key = client(store), runs(store, "troubles")
    arm = next(key for key in by_key if key.startswith("arm/"))
    mlflow.delete_run(by_key[arm][0])
    failed = next(entry.key for entry in Ledger(store, "troubles") if entry.outcome == "failed")
    mlflow.update_run(by_key[failed][0], status="RUNNING")
    found = said(verify_study(store, "troubles").differences)
    assert f"mlflow: the run of the arm {arm[4:]} is missing" in found
    assert f"mlflow: {failed}: its run is RUNNING, and should be FAILED" in found
    assert said(repair_study(store, "troubles").differences) == []


def test_a_killed_study_leaves_nothing_running(store: LocalStore) -> None:
    """The state of things when a driver was killed with one trial under way."""
    key = completed(store)
    entry = Ledger(store, "top").get(key)
    Ledger(store, "top").remove(key)
    store.delete("studies/top/optuna.journal")
    repair_study(store, "top")  # Optuna has it RUNNING again
    progress = json.loads(store.read("studies/top/progress.json"))
    store.write("studies/top/progress.json", json.dumps({**progress, "state": "running"}).encode())
    mlflow = client(store)
    experiment = mlflow.get_experiment_by_name("top")
    stored = read_study(store, "top")
    assert experiment is not None
    assert stored is not None
    mlflow.create_run(experiment.experiment_id, tags={"saddle.key": f"{stored.instance}/{key}"})
    mlflow.update_run(runs(store)[""][0], status="RUNNING")
    found = verify_study(store, "top")
    assert found.unfinished == [key]
    assert f"mlflow: {key}: its run is left RUNNING, and no driver runs the study" in said(found.differences)
    mended = repair_study(store, "top")
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
    found = verify_study(store, "top")
    assert said(found.differences) == ["mlflow: 1 messages wait in the outbox"], "the trial they speak of is not judged"
    mended = repair_study(store, "top")
    assert said(mended.differences) == []
    tags = client(store).get_run(runs(store)[FIRST][0]).data.tags
    assert (tags["late"], tags["saddle.outcome"]) == ("yes", Ledger(store, "top").get(FIRST).outcome)


def test_mlflow_that_does_not_answer_is_said_and_the_rest_compared(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    store.delete("studies/top/optuna.journal")
    found = said(verify_study(store, "top").differences)
    assert found[0].startswith("optuna: there is no study")
    assert found[1].startswith("mlflow: can't be compared: MlflowException")


def test_a_study_never_tracked_lacks_nothing(store: LocalStore) -> None:
    for gone in ("mlflow", "studies/top/outbox", "studies/top/tracked"):
        store.delete(gone)
    found = verify_study(store, "top")
    assert found.clean
    assert "the study was never tracked in MLflow" in found.notes
    assert not store.exists("mlflow"), "looking makes no database"


def test_while_a_driver_runs_the_study_only_the_finished_is_compared(store: LocalStore) -> None:
    client(store).update_run(runs(store)[""][0], status="RUNNING")
    with hold_study(store, "top"):
        found = verify_study(store, "top")
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
    store.delete(Ledger(store, "top").get(FIRST).checkpoints["best"])
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
    assert verify_study(store, "top").clean
    metrics = {name for entry in Ledger(store, "top") for epoch in entry.curve for name in epoch}
    assert len(calls) <= len(metrics) + 6, "a call for each metric, whatever the number of trials"


def test_a_server_is_asked_for_many_runs_at_once(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def singly(*arguments: Any, **named: Any) -> Any:
        raise AssertionError("asked for one metric of one run")

    with serve(store) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
        monkeypatch.setattr(MlflowClient, "get_metric_history", singly)
        assert said(verify_study(store, "top").differences) == []
        double_a_point(store)
        assert said(verify_study(store, "top").differences) == [
            f"mlflow: {FIRST}: points of validation/score are double"
        ]


def test_differences_are_told_apart() -> None:
    assert str(Difference("optuna", "t", "what")) == "optuna: t: what"
    assert not Difference("optuna", "t", "what").repairable


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path: Path) -> Any:
    since = time.monotonic()
    yield
    assert time.monotonic() - since < 120
    shutil.rmtree(tmp_path / "kept", ignore_errors=True)
