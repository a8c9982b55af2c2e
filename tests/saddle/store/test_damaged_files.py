"""Small files of a storage with rubbish in them: each is made again where it can be, else said in a line."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import sqlite3
from pathlib import Path

import pytest

from saddle.archive.studies import FACTS, read_study, settle_study
from saddle.errors import StorageError
from saddle.store.checkpoint.retention import record_path, removed
from saddle.store.local import LocalStore
from saddle.store.ownership.lock import hold_lock, holder
from saddle.studyfile.loader import parse_studies
from saddle.track.mlflow_sink import is_whole
from saddle.track.open_runs import Started
from saddle.track.opening import make_database
from saddle.track.outbox import DAMAGED, parse
from saddle.trial.run_id import RunId

RUBBISH = [
    b"",
    b"\0" * 64,
    b"\xff\xfe\xfd",
    b"[1, 2]",
    b"7",
    b'{"instance": ',
    b'{"instance": 3, "baseline": null}',
    b"{}",
]
STUDY = """
study: s
trainable: parabola
search: {x: {float: [0.0, 1.0]}}
objective: {maximize: validation/score}
budget: {trials: 20}
"""


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


@pytest.mark.fault("damaged small files")
class TestFactsOfARun:
    @pytest.mark.parametrize("rubbish", RUBBISH)
    @pytest.mark.parametrize("damaged", FACTS)
    def test_either_copy_is_enough_and_is_made_again(
        self, store: LocalStore, caplog: pytest.LogCaptureFixture, damaged: str, rubbish: bytes
    ) -> None:
        [study] = parse_studies(STUDY, "s.yaml")
        before = settle_study(store, study, None, fresh=False)
        store.write(f"studies/s/{damaged}", rubbish)
        with caplog.at_level(logging.WARNING):
            found = read_study(store, "s")
        assert found is not None
        assert found.instance == before.instance
        assert len(caplog.records) == (damaged == FACTS[0])
        settle_study(store, study, None, fresh=False)
        assert [json.loads(store.read(f"studies/s/{name}"))["instance"] for name in FACTS] == [before.instance] * 2

    def test_one_of_an_older_saddle_is_enough(self, store: LocalStore) -> None:
        [study] = parse_studies(STUDY, "s.yaml")
        before = settle_study(store, study, None, fresh=False)
        store.delete(f"studies/s/{FACTS[1]}")
        found = read_study(store, "s")
        assert found is not None
        assert found.instance == before.instance

    def test_without_a_whole_one_it_is_said(self, store: LocalStore) -> None:
        [study] = parse_studies(STUDY, "s.yaml")
        settle_study(store, study, None, fresh=False)
        for name in FACTS:
            store.write(f"studies/s/{name}", b"[]")
        with pytest.raises(StorageError, match=r"s/instance\.json is damaged"):
            read_study(store, "s")


@pytest.mark.fault("damaged small files")
class TestLocks:
    @pytest.mark.parametrize("rubbish", [b"", b"\xff\xfe", b"nobody", b"-3", b"1 2", b"\0\0"])
    def test_a_lock_that_does_not_say_who_holds_it_is_held_all_the_same(self, tmp_path: Path, rubbish: bytes) -> None:
        path = tmp_path / "s.lock"
        path.write_bytes(rubbish)
        assert holder(path) is None
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            assert holder(path) == 0
            with pytest.raises(StorageError, match=r"another driver \(process unknown\) is running s"), hold_lock(path):
                pass
        with hold_lock(path):
            assert holder(path) is not None


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_a_damaged_record_of_removed_checkpoints_is_an_empty_one(store: LocalStore, rubbish: bytes) -> None:
    store.write(record_path(RunId("s")), rubbish)
    assert removed(store, RunId("s")) == {}


@pytest.mark.fault("damaged small files")
class TestDatabaseOfMlflow:
    def test_one_that_nobody_can_read_is_set_aside_and_said(
        self, store: LocalStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        path = make_database(store)
        path.write_bytes(b"rubbish" * 1000)
        assert make_database(store) == path
        assert path.read_bytes() == b""
        [aside] = path.parent.glob("mlflow.db.damaged-*")
        assert aside.read_bytes() == b"rubbish" * 1000
        [said] = [record.getMessage() for record in caplog.records]
        assert "was damaged (file is not a database)" in said
        assert "`saddle verify STUDY --repair` fills the new one from the ledger" in said

    def test_one_that_is_in_use_stays(self, store: LocalStore) -> None:
        path = make_database(store)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("create table t (x)")
            connection.commit()
            connection.execute("begin exclusive")
            content = path.read_bytes()
            make_database(store)
        assert path.read_bytes() == content


@pytest.mark.fault("damaged small files")
class TestOutbox:
    @pytest.mark.parametrize("line", [b"", b"\0\0", b"\xff\xfe", b"7", b'["do"]', b'{"do": "run"'])
    def test_a_line_that_is_none_stands_for_nothing(self, line: bytes) -> None:
        assert parse(line) == DAMAGED

    @pytest.mark.parametrize(
        ("operation", "whole"),
        [
            ({"do": "nothing"}, True),
            ({"do": "tags", "key": "a", "values": {}}, True),
            ({"do": "tags", "key": "a", "values": []}, False),
            ({"do": "tags", "key": "a"}, False),
            ({"do": "end", "key": "a", "status": "FINISHED", "time": "noon"}, False),
            ({"do": ["tags"], "key": "a", "values": {}}, False),
            ({"do": "format the disk"}, False),
            ({}, False),
        ],
    )
    def test_an_operation_without_all_it_needs_would_block_what_waits_behind_it(
        self, operation: dict[str, object], whole: bool
    ) -> None:
        assert is_whole(operation) is whole

    @pytest.mark.parametrize("rubbish", RUBBISH)
    def test_who_was_told_of_is_forgotten_where_the_note_is_damaged(self, tmp_path: Path, rubbish: bytes) -> None:
        (tmp_path / "started.json").write_bytes(rubbish)
        started = Started(tmp_path / "started.json")
        assert "trial-00000" not in started
        started.add("trial-00000")
        assert "trial-00000" in Started(tmp_path / "started.json")
