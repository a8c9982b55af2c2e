"""Which errors are the infrastructure's and which the trainable's own, made by really full disks where possible."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import sqlite3
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from saddle.errors import Damaged, InfrastructureError, StorageError
from saddle.store.infrastructure_errors import full_folder, infrastructure_error
from tests.support.disks import Disk
from trainables.datasets.errors import DataError

NOISE = np.random.default_rng(0).integers(0, 255, (600, 600, 3), dtype=np.uint8)


def write_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (x)")
        connection.executemany("insert into t values (?)", [("x" * 1000,)] * 1000)


def write_old_torch(path: Path) -> None:
    torch.save({"w": torch.zeros(300_000)}, path, _use_new_zipfile_serialization=False)


def write_parquet(path: Path) -> None:
    pq.write_table(pa.table({"x": NOISE.reshape(-1)}), path)


def write_archive(path: Path) -> None:
    with path.open("wb", buffering=0) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x", NOISE.tobytes())


def write_copy(path: Path) -> None:
    with tempfile.NamedTemporaryFile() as source:
        source.write(NOISE.tobytes())
        source.flush()
        shutil.copy(source.name, path)


WRITERS: dict[str, Callable[[Path], object]] = {
    "torch": lambda path: torch.save({"w": torch.zeros(300_000)}, path),
    "torch, old format": write_old_torch,
    "numpy": lambda path: np.save(path.with_suffix(".npy"), NOISE),
    "numpy, raw": lambda path: NOISE.tofile(path),
    "numpy, archive": lambda path: np.savez(path, x=NOISE),
    "pyarrow": write_parquet,
    "Pillow": lambda path: Image.fromarray(NOISE).save(path, "PNG"),
    "sqlite3": write_database,
    "text": lambda path: path.write_text(json.dumps(NOISE.tolist())),
    "zip": write_archive,
    "copy": write_copy,
}


@pytest.mark.fault("disk full, read-only or failing")
@pytest.mark.parametrize("library", WRITERS)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # what is closed later fails again
def test_a_full_disk_is_known_whatever_library_meets_it(small_disk: Disk, library: str) -> None:
    with pytest.raises((OSError, RuntimeError, sqlite3.Error)) as caught:
        WRITERS[library](small_disk.folder / "file")
    found = infrastructure_error(caught.value)
    assert isinstance(found, InfrastructureError)
    where = "there" if str(small_disk.folder) in str(found) else "on the disk that is full"
    assert f"make room {where}" in str(found)
    assert str(found).endswith("then run the same command again")
    assert "\n" not in str(found)


@pytest.mark.fault("disk full, read-only or failing")
def test_a_full_folder_is_found_and_a_read_only_one_known(small_disk: Disk, tmp_path: Path) -> None:
    assert full_folder([tmp_path, small_disk.folder, tmp_path / "missing"]) is None
    small_disk.fill()
    assert f"No space left on device: {small_disk.folder}" in str(full_folder([tmp_path, small_disk.folder]))
    small_disk.empty()
    small_disk.remount("ro")
    with pytest.raises(OSError, match="Read-only") as caught:
        (small_disk.folder / "file").write_text("x")
    assert "check that it works and is writable" in str(infrastructure_error(caught.value))


@pytest.mark.fault("disk full, read-only or failing")
def test_a_temporary_folder_that_is_full_is_no_missing_path(small_disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    small_disk.fill()
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(small_disk.folder)])
    with pytest.raises(FileNotFoundError) as caught:
        tempfile.gettempdir()
    assert infrastructure_error(caught.value) is not None


NUMBERS = (
    "ENOSPC EDQUOT EFBIG EIO EROFS ESTALE ENODEV ENXIO ENOTCONN EACCES EPERM EMFILE ENFILE ECONNREFUSED ECONNRESET "
    "ETIMEDOUT EHOSTUNREACH ENETUNREACH"
)


@pytest.mark.parametrize("name", NUMBERS.split())
def test_the_infrastructures_numbers(name: str) -> None:
    code = getattr(errno, name)
    found = infrastructure_error(OSError(code, os.strerror(code), "/data/x"))
    assert str(found).startswith(f"{os.strerror(code)}: /data/x; nothing that was stored is lost: ")


@pytest.mark.parametrize("name", ["ENOENT", "ENOTDIR", "EISDIR", "EEXIST", "EINVAL", "ENAMETOOLONG", "EPIPE", "ENOMEM"])
def test_the_trainables_own_numbers(name: str) -> None:
    code = getattr(errno, name)
    assert infrastructure_error(OSError(code, os.strerror(code), "/data/x")) is None


OWN = [
    FileNotFoundError("no such dataset"), ValueError("epsilon is negative"), MemoryError(), TimeoutError("too slow"),
    torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("Connection closed by peer [127.0.0.1]:4242"),
    Damaged("the checkpoint is damaged"), DataError("folder has no class"), KeyError("x"), OSError("cannot identify"),
]  # fmt: skip


@pytest.mark.parametrize("error", OWN, ids=lambda error: type(error).__name__)
def test_what_follows_from_configuration_or_code_is_the_trainables(error: Exception) -> None:
    assert infrastructure_error(error) is None


def raised(error: Exception, cause: BaseException | None = None) -> Exception:
    try:
        raise error from cause
    except Exception as caught:
        return caught


class TestChains:
    full = OSError(errno.ENOSPC, "No space left on device", "/data/x")

    def test_a_cause_counts(self) -> None:
        assert infrastructure_error(raised(DataError("the cache can't be used"), self.full)) is not None
        assert infrastructure_error(raised(ValueError("a"), raised(KeyError("b"), self.full))) is not None

    def fail_again(self, hide: bool) -> None:
        try:
            raise self.full
        except OSError:
            if hide:
                raise DataError("/data/x can't be read") from None
            raise ZeroDivisionError("while tidying up")  # noqa: B904  # a handler that fails itself, as they do

    @pytest.mark.parametrize(("hide", "kind"), [(False, ZeroDivisionError), (True, DataError)])
    def test_a_context_counts_also_where_it_is_not_shown(self, hide: bool, kind: type[Exception]) -> None:
        with pytest.raises(kind) as caught:
            self.fail_again(hide)
        assert infrastructure_error(caught.value) is not None

    def test_members_of_a_group_count(self) -> None:
        assert infrastructure_error(ExceptionGroup("several", [ValueError("a"), self.full])) is not None

    def test_a_circle_ends(self) -> None:
        first, second = ValueError("a"), ValueError("b")
        first.__cause__, second.__cause__ = second, first
        assert infrastructure_error(first) is None

    def test_a_storage_that_can_not_be_used_counts_and_is_told_as_it_is(self) -> None:
        found = infrastructure_error(StorageError("the endpoint is down"))
        assert str(found).startswith("the endpoint is down; nothing that was stored is lost: ")


def test_a_server_that_is_not_there_is_the_networks() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(urllib.error.URLError) as caught:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/weights", timeout=5)
    assert "check that it can be reached" in str(infrastructure_error(caught.value))


def test_nothing_secret_is_told() -> None:
    found = infrastructure_error(OSError(errno.EIO, "reading", "http://me:hunter2@host/x"))
    assert "hunter2" not in str(found)
