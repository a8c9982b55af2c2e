"""What lies in a storage names files, or is a link: nothing outside is read, shown, changed or removed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from saddle.archive.overview import read_overview
from saddle.archive.studies import read_study, run_names
from saddle.errors import Damaged, ForeignPath, StorageError
from saddle.report.study_sections.gallery import gallery
from saddle.search.storage import journal_path, open_journal
from saddle.store.base import Store
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.checkpoint.manifest import Saved, encode_manifest, manifest_path, read_manifest
from saddle.store.ledger.ledger import Ledger, encode
from saddle.store.local import LocalStore
from saddle.store.open import open_store, study_folder, trial_folder
from saddle.store.ownership.lock import driver_of, lock_path, lock_study
from saddle.store.s3.store import S3Store
from saddle.track.mlflow_tracker import outbox_folder
from saddle.track.open_runs import Started
from saddle.track.opening import tracking_uri
from saddle.track.outbox import Deliver, Outbox
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from saddle.verify.checkpoints import compare_checkpoints
from saddle_contracts.store import OPERATIONS
from tests.support.records import changed, make_record
from tests.support.s3 import S3
from tests.support.waiting import PROCESS_SECONDS

STUDY = """
study: digits
question: Where is the top?
trainable: parabola
search: {x: {float: [0, 2]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 1}}
budget: {trials: 2}
"""
RUN = RunId("digits")
FOLDER = "studies/digits/trials/k/checkpoints"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that is nobody's business, with a file in it."""
    folder = tmp_path / "outside"
    (folder / "f").mkdir(parents=True)
    (folder / "f/a").write_bytes(b"foreign")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "store")
    store.write("f/a", b"1")
    return store


@pytest.fixture(params=["folder", "bucket"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "folder":
        yield LocalStore(tmp_path / "store")
    else:
        s3: S3 = request.getfixturevalue("s3")
        yield S3Store(s3.bucket(), "p", patience=10)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "move to"])
def test_no_operation_follows_a_link_that_leads_out(store: LocalStore, outside: Path, operation: str) -> None:
    (store.root / "link").symlink_to(outside)
    (store.root / "blob").symlink_to(outside / "f/a")
    (store.root / "dangling").symlink_to(outside / "new")
    before = contents(outside)
    for path in ("link", "link/f", "link/f/a", "link/new", "blob", "dangling"):
        with pytest.raises(ForeignPath, match=rf"'{path}' in the storage .* leads out of it through a link"):
            OPERATIONS[operation](store, path)
    assert contents(outside) == before


def test_nothing_is_moved_to_where_a_link_leads(store: LocalStore, outside: Path) -> None:
    (store.root / "link").symlink_to(outside)
    for target in ("link", "link/new", "link/f/a"):
        with pytest.raises(ForeignPath):
            store.move("f", target)
    assert (contents(outside), store.read("f/a")) == ({"f/a": b"foreign"}, b"1")


def test_a_link_that_leads_out_is_left_out_of_lists_and_said(
    store: LocalStore, outside: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (store.root / "f/z").symlink_to(outside / "f")
    (store.root / "f/b").symlink_to(outside / "f/a")
    (store.root / "f/c\\d").write_text("a name that can't be asked for")
    assert list(store.names("f")) == ["a"]
    assert list(store.etags("f")) == ["a"]
    assert store.size("f") < 1000
    assert "'f/z' in the storage" in caplog.text
    assert "'f/b' in the storage" in caplog.text


def test_a_folder_is_removed_with_the_links_in_it_and_not_what_they_lead_to(store: LocalStore, outside: Path) -> None:
    (store.root / "f/z").symlink_to(outside)
    (store.root / "f/b").symlink_to(outside / "f/a")
    store.delete("f")
    assert not (store.root / "f").exists()
    assert contents(outside) == {"f/a": b"foreign"}


def test_links_within_a_storage_and_to_it_work_and_are_removed_themselves(tmp_path: Path, store: LocalStore) -> None:
    (tmp_path / "link-to-the-root").symlink_to(store.root)
    for root in (store.root, tmp_path / "link-to-the-root"):
        linked = LocalStore(root)
        (store.root / "g").symlink_to(store.root / "f")
        assert linked.read("g/a") == b"1"
        linked.write("g/b", b"2")
        assert linked.read("f/b") == b"2"
        assert list(linked.names("")) == ["f", "g"]
        linked.move("g", "h")
        linked.delete("h")
        assert linked.read("f/a") == b"1"
    assert open_store(tmp_path / "link-to-the-root").read("f/a") == b"1"


def test_a_link_in_a_circle_and_a_pipe_keep_nobody_waiting(store: LocalStore) -> None:
    (store.root / "circle").symlink_to(store.root / "circle")
    os.mkfifo(store.root / "pipe")
    for path in ("circle", "pipe"):
        with pytest.raises(ForeignPath):
            store.read(path)
        assert not store.exists(path)


@pytest.mark.parametrize("name", ["../x", "..", ".", "", "a/b", "a\\b", "a\0b"])
def test_what_files_call_a_trial_or_study_is_a_name_and_no_path(name: str) -> None:
    with pytest.raises(ForeignPath):
        trial_folder(RUN, name)
    with pytest.raises((ForeignPath, ValueError)):
        study_folder(RunId(name))


@pytest.mark.parametrize("url", ["s3://bucket/../other", "s3://bucket/p/../..", "s3://bucket/./p", "s3://bucket/.."])
def test_a_url_s_prefix_stays_in_its_bucket(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for create in (True, False):
        with pytest.raises(StorageError, match="is not a path in a storage"):
            open_store(url, create=create)
    monkeypatch.setenv("SADDLE_STORAGE", url)
    with pytest.raises(StorageError, match="is not a path in a storage"):
        open_store()


def test_what_a_bucket_holds_under_odd_names_is_deleted_with_its_folder_and_nothing_else(s3: S3) -> None:
    store = S3Store(s3.bucket(), "p")
    store.write("f2/a", b"2")
    for key in ("p/f/", "p/f/a", "p/f//b", "p/f/x/../y", "other/f/a", "p/g"):
        s3.client().put_object(Bucket=store.bucket, Key=key, Body=b"1")
    assert list(store.names("f")) == ["a", "x"]
    store.delete("f")
    assert sorted(s3.keys(store.bucket)) == ["other/f/a", "p/f2/a", "p/g"]


# a driver's own files are written in place


def drivers_files(store: Store) -> dict[str, Callable[[], object]]:
    """What each of them is, and what opens it."""

    def deliver() -> Deliver:
        return lambda operations: iter([len(operations)])

    def fill_outbox() -> None:
        outbox = Outbox(outbox_folder(store, RUN), deliver)
        outbox.add({"do": "nothing"})
        outbox.close(10)

    def run() -> None:
        with lock_study(store, RUN):
            pass

    outbox = "studies/digits/outbox"
    return {
        "studies/digits.lock": run,
        "studies/digits/optuna.journal": lambda: open_journal(journal_path(store, RUN)),
        f"{outbox}/operations.jsonl": fill_outbox,
        "mlflow/mlflow.db": lambda: tracking_uri(store),
    }


@pytest.mark.parametrize("path", drivers_files(LocalStore(Path("x"))))
@pytest.mark.parametrize("target", ["outside", "inside", "dangling"])
def test_a_link_in_place_of_a_driver_s_file_is_refused_and_its_target_stays(
    store: LocalStore, outside: Path, path: str, target: str
) -> None:
    foreign = {"outside": outside / "f/a", "inside": store.root / "f/a", "dangling": outside / "new"}[target]
    (store.root / path).parent.mkdir(parents=True)
    (store.root / path).symlink_to(foreign)
    before = contents(outside), store.read("f/a")
    with pytest.raises(StorageError, match="link"):
        drivers_files(store)[path]()
    assert (contents(outside), store.read("f/a")) == before


@pytest.mark.parametrize("name", ["delivered", "started.json"])
def test_a_link_in_place_of_a_note_is_replaced(store: LocalStore, outside: Path, name: str) -> None:
    folder = outbox_folder(store, RUN)
    folder.mkdir(parents=True)
    for temporary in ("delivered.new", "started.new"):  # what such files were once written to first
        (folder / temporary).symlink_to(outside / "f/a")
    (folder / name).symlink_to(outside / "f/a")
    if name == "started.json":
        (folder / name).unlink()
        started = Started(folder / name)
        started.add("trial-00001")
    else:
        drivers_files(store)["studies/digits/outbox/operations.jsonl"]()
    assert contents(outside) == {"f/a": b"foreign"}


def test_a_driver_s_folder_that_leads_out_is_refused(store: LocalStore, outside: Path) -> None:
    (store.root / "mlflow").symlink_to(outside)
    with pytest.raises(ForeignPath):
        tracking_uri(store)
    (store.root / "studies").symlink_to(outside)
    for use in (lambda: lock_path(store, RUN), lambda: driver_of(store, RUN), lambda: outbox_folder(store, RUN)):
        with pytest.raises(ForeignPath):
            use()
    assert contents(outside) == {"f/a": b"foreign"}


# paths in stored files


def save_epochs(checkpoints: Checkpoints, *epochs: int) -> None:
    for epoch in epochs:
        checkpoints.save(epoch, {"epoch": epoch}, {"validation/score": float(epoch)}, 1.0, best=epoch == 1)


HOSTILE = [
    "../outside/f/a", "studies/digits/../../../outside/f/a", "/etc/hostname", "", ".", "studies/other/ledger/x.parquet",
    "studies/digits/trials/other/checkpoints/epoch-00001.pt", f"{FOLDER}/manifest.json", "studies/digits/instance.json",
    f"{FOLDER}/epoch-00001.pt/../../proposal.pt", f"{FOLDER}/../proposal.json", "studies\\digits\\..\\..\\x.pt",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE)
def test_what_a_manifest_names_elsewhere_outlives_the_next_saves_and_the_trial_goes_on(
    store: LocalStore, outside: Path, path: str
) -> None:
    check_that_it_outlives_saves(store, path)
    assert contents(outside) == {"f/a": b"foreign"}


def test_what_a_manifest_names_elsewhere_in_a_bucket_outlives_the_next_saves(s3: S3) -> None:
    bucket = s3.bucket()
    s3.client().put_object(Bucket=bucket, Key="other/a", Body=b"foreign")
    for prefix, path in (("p", "../other/a"), ("q", "studies/other/ledger/x.parquet")):
        check_that_it_outlives_saves(S3Store(bucket, prefix, patience=10), path)
        assert "other/a" in s3.keys(bucket)


def check_that_it_outlives_saves(any_store: Store, path: str) -> None:
    """Let the manifest of a trial name `path` as an old checkpoint, and train on."""
    for other in HOSTILE:
        if other.startswith("studies/") and ".." not in other and "manifest" not in other:
            any_store.write(other, b"foreign")
    save_epochs(Checkpoints.of_trial(any_store, RUN, "k"), 1, 2, 3)
    manifest = read_manifest(any_store, FOLDER)
    hostile = replace(manifest, saved=(Saved(1, path, "0" * 64), *manifest.saved), best_epoch=None)
    any_store.write(manifest_path(FOLDER), encode_manifest(hostile))
    with pytest.raises(Damaged, match=r"is damaged: it names"):
        read_manifest(any_store, FOLDER)
    checkpoints = Checkpoints.of_trial(any_store, RUN, "k")
    reached, state = checkpoints.resume()
    assert (reached, state) == (3, {"epoch": 3})
    save_epochs(checkpoints, 4, 5, 6)
    assert Checkpoints.of_trial(any_store, RUN, "k").resume()[0] == 6
    for other in HOSTILE:
        if other.startswith("studies/") and ".." not in other and "manifest" not in other:
            assert any_store.read(other) == b"foreign"


def test_a_manifest_of_a_study_that_was_set_aside_names_what_lies_beside_it(any_store: Store) -> None:
    save_epochs(Checkpoints.of_trial(any_store, RUN, "k"), 1, 2)
    any_store.move("studies/digits", "studies/digits@20260101T000000-abcd")
    aside = RunId.stored("digits@20260101T000000-abcd")
    save_epochs(Checkpoints.of_trial(any_store, RUN, "k"), 1)
    checkpoints = Checkpoints.of_trial(any_store, aside, "k")
    assert checkpoints.resume() == (2, {"epoch": 2})
    assert all(saved.path.startswith(study_folder(aside)) for saved in checkpoints.manifest.saved)


def test_a_checkpoint_that_is_a_link_is_not_read_and_the_one_before_is(store: LocalStore, outside: Path) -> None:
    checkpoints = Checkpoints.of_trial(store, RUN, "k")
    save_epochs(checkpoints, 1, 2)
    newest = store.root / checkpoints.manifest.saved[-1].path
    (outside / "state.pt").write_bytes(newest.read_bytes())
    newest.unlink()
    newest.symlink_to(outside / "state.pt")
    assert Checkpoints.of_trial(store, RUN, "k").resume() == (1, {"epoch": 1})


def entry(**paths: dict[str, str]) -> TrialRecord:
    return make_record("k", "digits", 0, "completed", {}, {}, {"test/score": 1.0}, number=0, epochs=1, **paths)


@pytest.mark.parametrize(
    "path", ["../outside/f/a", "../../outside/f/a", "/etc/hostname", "studies/x/../../../outside/f/a"]
)
def test_what_an_entry_names_elsewhere_is_neither_shown_nor_sent(
    any_store: Store, outside: Path, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    (outside / "f/a").write_bytes(b"\x89PNG\r\n\x1a\n and a secret" + bytes(32))
    Ledger(any_store, RUN).add(entry(images={"picture": path}, arrays={"labels": path}, checkpoints={"best": path}))
    [stored] = Ledger(any_store, RUN)
    [[picture]] = [each.pictures for each in gallery([stored], any_store.read)]
    assert (picture.data, "can't be read" in picture.problem) == ("", True)
    differences, _ = compare_checkpoints(any_store, RUN, {"k": stored})
    said = [str(difference) for difference in differences]
    assert sum("can't be read" in line for line in said) == 3, said
    with pytest.raises(ForeignPath):
        any_store.read(stored.images["picture"])


def test_an_entry_or_a_study_whose_name_is_a_path_is_damaged(any_store: Store) -> None:
    ledger = Ledger(any_store, RUN)
    any_store.write(ledger.path("k"), encode(changed(entry(), key="../../other")))
    with pytest.raises(StorageError, match="can't be the key of a trial"):
        list(ledger)
    any_store.write("studies/digits/study.yaml", b"study: digits")
    any_store.write("studies/digits/instance.json", json.dumps({"instance": "../x", "baseline": None}).encode())
    with pytest.raises(StorageError, match=r"instance\.json is damaged: '\.\./x'"):
        read_study(any_store, "digits")


def test_the_note_of_a_move_leads_nowhere_else(s3: S3) -> None:
    store = S3Store(s3.bucket(), "p", patience=10)
    store.write("studies/a/x", b"1")
    for target in ("../other", "/other", "studies/../../other", ""):
        store.write("studies/.moving-a", json.dumps({"target": target}).encode())
        with pytest.raises(StorageError, match=r"p/studies/\.moving-a is damaged.*delete this note"):
            store.finish_move("studies/a")
    assert sorted(s3.keys(store.bucket)) == ["p/studies/.moving-a", "p/studies/a/x"]


@pytest.mark.parametrize("link", ["digits/study.yaml", "digits/instance.json", "digits/progress.json", "digits.lock"])
def test_one_study_with_a_link_hides_no_other_one(store: LocalStore, outside: Path, link: str) -> None:
    for name in ("digits", "letters"):
        store.write(f"studies/{name}/study.yaml", STUDY.replace("digits", name).encode())
        store.write(f"studies/{name}/instance.json", b'{"instance": "abc", "baseline": null}')
    (store.root / "studies" / link).unlink(missing_ok=True)
    (store.root / "studies" / link).symlink_to(outside / "f/a")
    rows = {name: read_overview(store, name).facts() for name in run_names(store)}
    assert list(rows) == ["digits", "letters"]
    assert rows["letters"]["question"] == "Where is the top?"
    expected = "Where is the top?" if "progress" in link else f"can't be read: 'studies/{link}' in the storage"
    assert rows["digits"]["question"].startswith(expected)


def test_the_command_says_which_link_it_does_not_follow(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "runs/studies").mkdir(parents=True)
    (tmp_path / "runs/studies/digits").symlink_to(outside)
    done = subprocess.run(
        [sys.executable, "-m", "saddle.cli", "status", "digits"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PROCESS_SECONDS,
    )
    assert done.returncode == 2
    assert "'studies/digits/study.yaml' in the storage" in done.stderr
    assert "Traceback" not in done.stderr
