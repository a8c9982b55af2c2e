from __future__ import annotations

import os
from pathlib import Path

import pytest

from saddle.errors import StorageError
from saddle.store.base import Store
from saddle.store.local import LocalStore
from saddle.store.open import open_store
from saddle_contracts.store import StoreContract


class TestLocalStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return LocalStore(tmp_path / "store")


def test_a_write_that_fails_leaves_the_old_blob_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalStore(tmp_path)
    store.write("x", b"old")

    def refuse(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="no space"):
        store.write("x", b"new")
    assert store.read("x") == b"old"
    assert os.listdir(tmp_path) == ["x"]


def test_storage_is_the_argument_then_the_variable_then_runs_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_store().root == tmp_path / "runs"
    monkeypatch.setenv("SADDLE_STORAGE", str(tmp_path / "env"))
    assert open_store().root == tmp_path / "env"
    assert open_store(tmp_path / "given").root == tmp_path / "given"


def test_a_storage_that_cannot_be_written_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"can't be written.*--storage"):
        open_store(tmp_path / "file" / "below")
