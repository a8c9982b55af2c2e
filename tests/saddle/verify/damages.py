"""Ways to damage a stored study, each with what is said of it then."""

from __future__ import annotations

import io
from typing import Any

import pyarrow.parquet as pq
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

from saddle.archive.studies import read_study
from saddle.search.optuna_search import trial_key
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.ledger.ledger import Ledger, encode
from saddle.store.ledger.ledger_index import STAMP, checksum, index_folder
from saddle.store.ledger.record_parquet import read_row
from saddle.store.local import LocalStore
from saddle.trial.record import SCHEMA_VERSION
from saddle.trial.run_id import RunId
from tests.support.records import changed
from tests.support.stored import rewrite_entry

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
    return next(entry.key for entry in Ledger(store, RunId("top")).entries() if entry.outcome == "completed")


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
    entry = Ledger(store, RunId("top")).get(completed(store))
    metrics = {**entry.metrics, "validation/score": 0.123}
    rewrite_entry(store, changed(entry, metrics=metrics))
    return [f"optuna: {entry.key}: its values are"]


def change_a_curve(store: LocalStore) -> list[str]:
    entry = Ledger(store, RunId("top")).get(completed(store))
    curve = [dict(epoch) for epoch in entry.curve]
    curve[0]["validation/score"] = 0.123
    rewrite_entry(store, changed(entry, curve=curve))
    manifest = Checkpoints.of_trial(store, RunId("top"), entry.key)
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
    value = Ledger(store, RunId("top")).get(FIRST).curve[0]["validation/score"]
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
    store.write(Ledger(store, RunId("top")).path(key), b"PAR1 rubbish")
    return [f"ledger: {key}: the entry is damaged"]


def lose_an_entry(store: LocalStore) -> list[str]:
    key = completed(store)
    Ledger(store, RunId("top")).remove(key)
    return [f"optuna: {key}: it is COMPLETE, and the ledger has no entry", f"mlflow: {key}: its run ended as completed"]


def copy_an_entry(store: LocalStore) -> list[str]:
    store.write("studies/top/ledger/copy.parquet", store.read(Ledger(store, RunId("top")).path(FIRST)))
    return [f"ledger: copy: the file copy.parquet holds the entry of {FIRST}"]


def leave_a_folder(store: LocalStore) -> list[str]:
    store.write("studies/top/trials/trial-00042/checkpoints/epoch-00001.pt", b"123")
    return ["checkpoints: trial-00042: the study has no trial of this folder"]


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


def damage_the_index(store: LocalStore) -> list[str]:
    write_segment(store, completed(store))
    path = f"{index_folder(RunId('top'))}/{next(store.names(index_folder(RunId('top'))))}"
    store.write(path, store.read(path)[:-1])
    return [f"ledger: the index {path.rpartition('/')[2]} is damaged"]


def let_the_index_lie(store: LocalStore) -> list[str]:
    write_segment(store, completed(store), outcome="failed")
    return [f"ledger: the index {next(store.names(index_folder(RunId('top'))))} does not match the unchanged files"]


def write_segment(store: LocalStore, key: str, **changes: Any) -> None:
    """Put an entry into the index, which is too small to have one, as its file has it but for the changes."""
    ledger = Ledger(store, RunId("top"))
    stamp = store.etags(ledger.folder)[f"{key}.parquet"]
    row = read_row(encode(changed(ledger.get(key), **changes)), key).append_column(STAMP, [[stamp]])
    buffer = io.BytesIO()
    pq.write_table(row, buffer)
    store.write(f"{index_folder(RunId('top'))}/000001-{checksum(buffer.getvalue())}.parquet", buffer.getvalue())


MENDABLE = [
    lose_journal, garble_journal, lose_the_end_of_the_journal, change_optunas_value, change_a_curve, lose_a_run,
    lose_the_studys_run, lose_every_run, lose_the_experiment, lose_mlflow, double_a_run, leave_a_run_running,
    leave_the_study_running, double_a_point, add_a_point, change_a_tag, change_a_parameter, damage_an_entry,
    lose_an_entry, copy_an_entry, leave_a_folder, lose_a_manifest, garble_a_manifest, forget_a_begun_trial,
    damage_the_index, let_the_index_lie,
]  # fmt: skip


# each of these damages what can't be derived


def truncate_a_checkpoint(store: LocalStore) -> str:
    path = Ledger(store, RunId("top")).get(completed(store)).checkpoints["best"]
    store.write(path, store.read(path)[:-10])
    return "checkpoint epoch-00004.pt is damaged: its checksum is another"


def lose_a_checkpoint(store: LocalStore) -> str:
    store.delete(Ledger(store, RunId("top")).get(completed(store)).checkpoints["last"])
    return "checkpoint epoch-00004.pt is missing"


def change_a_manifest(store: LocalStore) -> str:
    checkpoints = Checkpoints.of_trial(store, RunId("top"), completed(store))
    checkpoints.update(curve=checkpoints.manifest.curve[:-1])
    return "the manifest's curve of 3 epochs differs from the ledger's of 4"


def name_lost_files(store: LocalStore) -> str:
    entry = Ledger(store, RunId("top")).get(completed(store))
    rewrite_entry(store, changed(entry, arrays={"right": "studies/top/trials/x/right.npy"}))
    return "the array right is missing"


def meet_a_newer_saddle(store: LocalStore) -> str:
    path = store.path(Ledger(store, RunId("top")).path(completed(store)))
    table = pq.read_table(path)
    index = table.schema.get_field_index("version")
    pq.write_table(table.set_column(index, "version", [[SCHEMA_VERSION + 1]]), path)
    return f"has version {SCHEMA_VERSION + 1}"


def misplace_an_entry(store: LocalStore) -> str:
    entry = Ledger(store, RunId("top")).get(FIRST)
    store.write("studies/top/ledger/other.parquet", encode(changed(entry, key="other")))
    return "no trial of the search has this key"
