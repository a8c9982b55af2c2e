"""A storage that was moved, renamed or copied: it is used where it lies now, and nothing goes to where it lay."""

from __future__ import annotations

import json
import shutil
import sqlite3
import urllib.request
from pathlib import Path
from urllib.parse import unquote

import pytest
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking import MlflowClient
from typer.testing import CliRunner

from saddle.archive.studies import read_study, set_aside_names
from saddle.cli.app import app
from saddle.store.base import Store
from saddle.store.local import LocalStore
from saddle.store.open import open_store
from saddle.track.artifact_root import artifact_root, earlier_roots, relocate
from saddle.track.opening import tracking_uri
from saddle.track.server import arms_page_of, serve
from saddle.track.shared_views import arms_name, only_of
from saddle.trial.run_id import RunId
from saddle.verify.repair import repair_study
from saddle.verify.verify_study import verify_study
from tests.support.in_process import run_in_process
from tests.support.s3 import S3

STUDY = """\
study: abl
question: Does x help?
trainable: parabola
fixed: {{epochs: 2, pictures: true, shift: {shift}}}
ablation: {{baseline: {{x: 0.3}}, factors: {{x: [0.3, 0.5]}}, seeds: {seeds}, compare: {{metric: test/score}}}}
"""
RUN = RunId("abl")
SMALL, MORE, OTHER = STUDY.format(shift=0, seeds=2), STUDY.format(shift=0, seeds=3), STUDY.format(shift=1, seeds=2)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage with a run that was set aside and one that has ended."""
    folder = tmp_path_factory.mktemp("moved") / "runs"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        run_in_process(open_store(folder), OTHER)
        run_in_process(open_store(folder), SMALL, fresh=True)
    return folder


@pytest.fixture
def first(ran: Path, tmp_path: Path) -> LocalStore:
    """A copy of it, in which nothing speaks of another place."""
    shutil.copytree(ran, tmp_path / "runs")
    store = LocalStore(tmp_path / "runs")
    relocate(store)
    assert verify_study(store, RUN).clean
    return store


def said(store: Store, run: RunId = RUN) -> list[str]:
    return [str(difference) for difference in verify_study(store, run).differences]


def places(store: Store) -> set[str]:
    """Where MLflow looks for the files of its runs."""
    with sqlite3.connect(store.local / "mlflow/mlflow.db") as connection:
        rows = connection.execute("SELECT run_uuid, artifact_uri FROM runs").fetchall()
        rows += connection.execute("SELECT '', artifact_location FROM experiments WHERE name <> 'Default'").fetchall()
    connection.close()
    return {str(place).removesuffix(f"/{run_id}/artifacts") for run_id, place in rows}


def files(store: Store) -> list[str]:
    """Every file of every MLflow run, at the address that it names."""
    runs = MlflowClient(tracking_uri(store)).search_runs(["1"], max_results=1000)
    addresses = [run.info.artifact_uri for run in runs]  # MLflow's client remembers those of another copy by run id
    return sorted(file.path for address in addresses for file in get_artifact_repository(address).list_artifacts())


def test_verify_names_the_old_place_and_repair_mends_it(first: LocalStore, tmp_path: Path) -> None:
    old, had = artifact_root(first), files(first)
    first.root.rename(tmp_path / "archive")
    store = LocalStore(tmp_path / "archive")
    assert said(store) == [f"mlflow: 15 experiments and runs keep their files in {old}"]
    assert places(store) == {old}, "looking changes nothing"
    advice = CliRunner().invoke(app, ["verify", "abl", "--storage", "archive"]).stdout
    assert "`saddle verify abl --repair --storage archive` repairs" in advice
    assert repair_study(store, RUN).clean
    assert (places(store), files(store)) == ({artifact_root(store)}, had)
    [aside] = set_aside_names(store)
    assert said(store, RunId.stored(aside)) == []
    assert not first.root.exists()


@pytest.mark.fault("a storage that was moved")
def test_a_moved_storage_is_extended_where_it_lies_now(first: LocalStore, tmp_path: Path) -> None:
    first.root.rename(tmp_path / "archive")
    store = LocalStore(tmp_path / "archive")
    [result] = run_in_process(store, MORE)
    assert len(result.entries) == 6
    assert result.undelivered is None
    assert not first.root.exists()
    assert places(store) == {artifact_root(store)}
    assert said(store) == []
    stored = [path for path in store.root.rglob("*") if path.is_file() and path.suffix != ".db"]
    assert [path for path in stored if str(first.root).encode() in path.read_bytes()] == []


def test_the_pages_of_a_moved_storage_show_its_files(first: LocalStore, tmp_path: Path) -> None:
    first.root.rename(tmp_path / "archive")
    store = LocalStore(tmp_path / "archive")
    with serve(store) as server:
        client = MlflowClient(server.uri)
        [run] = client.search_runs(["1"], "tags.`saddle.level` = 'study'", order_by=["start_time DESC"], max_results=1)
        address = f"{server.uri}/get-artifact?path=study.yaml&run_uuid={run.info.run_id}"
        with urllib.request.urlopen(address, timeout=120) as answer:
            assert b"study: abl" in answer.read()
        for name in ("abl", *set_aside_names(store)):
            stored = read_study(store, name)
            assert stored is not None
            assert only_of(stored.instance) in unquote(server.page(stored.run)), "of two runs, the one asked about"
            assert str(arms_page_of(server.uri, stored.run)).endswith(
                f"&viewStateShareKey={arms_name(stored.instance)}"
            )
    assert not first.root.exists()


def test_a_copy_and_its_original_go_their_own_ways(first: LocalStore, tmp_path: Path) -> None:
    shutil.copytree(first.root, tmp_path / "copy")
    copy = LocalStore(tmp_path / "copy")
    before, had = {path: path.read_bytes() for path in first.root.rglob("*") if path.is_file()}, files(first)
    assert len(said(copy)) == 1
    run_in_process(copy, MORE)
    assert (said(copy), places(copy)) == ([], {artifact_root(copy)})
    assert {path: path.read_bytes() for path in first.root.rglob("*") if path.is_file()} == before
    run_in_process(first, MORE)
    assert (said(first), places(first)) == ([], {artifact_root(first)})
    assert len(files(first)) == len(files(copy)) > len(had)


def test_files_that_went_elsewhere_are_missed_and_sent_again(first: LocalStore) -> None:
    had = files(first)
    for folder in (first.root / "mlflow/artifacts").iterdir():
        shutil.rmtree(folder)
    found = said(first)
    assert any(line.endswith("report.html of the run of the study is missing") for line in found)
    assert sum("of its run is missing" in line for line in found) == 4
    mended = repair_study(first, RUN)
    assert mended.differences == ()
    [aside] = set_aside_names(first)
    assert repair_study(first, RunId.stored(aside)).clean
    assert files(first) == had


def test_other_addresses_are_left_as_they_are(first: LocalStore) -> None:
    client = MlflowClient(tracking_uri(first))
    client.create_experiment("own", "file:///srv/elsewhere")
    client.create_experiment("bucket", "s3://bucket/mlflow/other")
    assert not earlier_roots(first)
    assert client.get_experiment_by_name("own").artifact_location == "file:///srv/elsewhere"


def test_a_renamed_prefix_of_a_bucket_is_used_where_it_is_now(s3: S3, tmp_path: Path) -> None:
    bucket = s3.bucket()
    run_in_process(open_store(f"s3://{bucket}/runs"), SMALL)
    client = s3.client()
    for key in s3.keys(bucket):
        client.copy_object(Bucket=bucket, Key=f"archive/{key.removeprefix('runs/')}", CopySource=f"{bucket}/{key}")
        client.delete_object(Bucket=bucket, Key=key)
    url = f"s3://{bucket}/archive"
    store = open_store(url)
    done = CliRunner().invoke(app, ["verify", f"{url}/abl", "--repair", "--json"])
    [mended] = json.loads(done.stdout)
    assert mended["differences"] == []
    assert {one["where"] for one in mended["repaired"]} == {"mlflow"}, "which is not in the bucket"
    [result] = run_in_process(store, MORE)
    assert (len(result.entries), result.undelivered, said(store)) == (6, None, [])
    assert s3.keys(bucket, "runs/") == []
