"""idx files, damaged in every way; MNIST found, verified, fetched over HTTP, and never half written."""

from __future__ import annotations

import functools
import gzip
import http.server
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.waiting import join_all
from trainables.datasets import DataError, fetch, load
from trainables.datasets.errors import DataNotFoundError
from trainables.datasets.formats.idx import parse_idx, read_content, verify

SOUND = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])


def test_a_sound_file_is_read() -> None:
    assert parse_idx(SOUND, "x", 2).tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "starts with nothing"),
        (b"\x89PNG", "starts with 89 50 4e 47, not 00 00"),
        (bytes([0, 0, 13, 2]) + SOUND[4:], "type 0x0d"),
        (bytes([0, 0, 8, 3]) + SOUND[4:], "3 axes, not 2"),
        (SOUND[:9], "truncated within its header: 9 of 12"),
        (SOUND[:-1], "truncated: 2×3 elements need 18 bytes, it has 17"),
        (SOUND + b"\0", "too long: 2×3 elements need 18 bytes, it has 19"),
        (SOUND[:7] + b"\0" + SOUND[8:12], "empty: 0×3"),
        (bytes([0, 0, 8, 2]) + b"\xff" * 8, "truncated"),
    ],
)
def test_a_damaged_file_is_explained(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"some.file.*{message}"):
        parse_idx(content, "some.file", 2)


@settings(max_examples=200)
@given(st.binary(max_size=40), st.integers(1, 3))
def test_rubbish_never_gets_through(content: bytes, dimensions: int) -> None:
    try:
        tensor = parse_idx(content, "x", dimensions)
    except DataError:
        return
    assert tensor.ndim == dimensions
    assert tensor.numel() == len(content) - 4 - 4 * dimensions


def test_gzip_damage_and_excess_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    whole = gzip.compress(b"x" * 1000)
    path.write_bytes(whole)
    assert read_content(path, 1000) == b"x" * 1000
    with pytest.raises(DataError, match="longer than the 999 bytes"):
        read_content(path, 999)
    for damaged in (whole[:-9], whole[:15] + b"\0\0\0" + whole[18:], b"no gzip"):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"a\.gz is damaged"):
            read_content(path, 1000)
    with pytest.raises(DataError, match="can't be read"):
        read_content(tmp_path, 1000)
    with pytest.raises(DataError, match=r"(?s)is corrupt.*sha256   2d711642.*expected 00"):
        verify(path, b"x", "00")


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_an_absent_dataset_says_how_to_get_it(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError) as caught:
        load(name, tmp_path)
    for hint in (f"saddle data fetch {name}", "--data-root", "SADDLE_DATA", str(tmp_path)):
        assert hint in str(caught.value)


def folder_like_torchvision(real_data: Path, root: Path) -> Path:
    raw = root / "MNIST" / "raw"
    shutil.copytree(real_data / "MNIST" / "raw", raw)
    raw.chmod(0o755)
    for path in raw.iterdir():
        path.chmod(0o644)
    return raw


def test_mnist_is_read_from_gzip(real_data: Path) -> None:
    mnist = load("mnist", real_data)
    assert (len(mnist.train), len(mnist.test), mnist.shape) == (60_000, 10_000, (1, 28, 28))
    assert mnist.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert torch.bincount(mnist.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    fashion = load("fashion_mnist", real_data)
    assert fashion.classes[fashion.train.labels[0]] == "Ankle boot"


def test_files_may_be_plain_and_in_a_folder_of_the_datasets_name(real_data: Path, tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    for path in (real_data / "MNIST" / "raw").glob("*.gz"):
        (tmp_path / "mnist" / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    assert load("mnist", tmp_path).fingerprint == load("mnist", real_data).fingerprint


def test_a_corrupt_file_is_named_with_both_checksums(real_data: Path, tmp_path: Path) -> None:
    raw = folder_like_torchvision(real_data, tmp_path)
    labels = raw / "t10k-labels-idx1-ubyte.gz"
    content = bytearray(gzip.decompress(labels.read_bytes()))
    content[100] ^= 1
    labels.write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(DataError) as caught:
        load("mnist", tmp_path)
    for part in (str(labels), "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", "expected", "sha256"):
        assert part in str(caught.value)
    labels.unlink()
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte missing"):
        load("mnist", tmp_path)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests' output is for failures."""


def serve(folder: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    join_all(thread)
    server.server_close()


@pytest.fixture
def mirror(real_data: Path) -> Iterator[str]:
    yield from serve(real_data / "MNIST" / "raw")


@pytest.fixture
def broken_mirror(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"something else"))
    yield from serve(folder)


def test_fetching_brings_what_loads(mirror: str, tmp_path: Path) -> None:
    told: dict[str, tuple[int, int | None]] = {}
    files = fetch(
        "mnist", tmp_path, mirror=mirror + "/", progress=lambda file, done, total: told.update({file: (done, total)})
    )
    assert [path.parent for path in files] == [tmp_path / "MNIST" / "raw"] * 4
    assert all(done == total for done, total in told.values())
    assert len(told) == 4
    umask = int(re.search(r"Umask:\s+(\d+)", Path("/proc/self/status").read_text())[1], 8)  # type: ignore[index]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o666 & ~umask}
    assert len(load("mnist", tmp_path).train) == 60_000
    told.clear()
    assert fetch("mnist", tmp_path, mirror="http://127.0.0.1:1", progress=lambda *_: told.update(again=(0, 0))) == files
    assert not told, "what is there is not fetched again"


def test_fetching_mends_a_corrupt_file(real_data: Path, mirror: str, tmp_path: Path) -> None:
    raw = folder_like_torchvision(real_data, tmp_path)
    (raw / "t10k-labels-idx1-ubyte.gz").write_bytes(b"rubbish")
    (raw / "train-labels-idx1-ubyte").write_bytes(b"rubbish, found before the gzipped one")
    fetch("mnist", tmp_path, mirror=mirror)
    assert len(load("mnist", tmp_path).test) == 10_000
    assert {path.name for path in raw.iterdir()} == {path.name for path in (real_data / "MNIST" / "raw").iterdir()}


def test_wrong_content_is_never_kept(broken_mirror: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="returned something other than train-images-idx3-ubyte of mnist"):
        fetch("mnist", tmp_path, mirror=broken_mirror)
    assert not [path for path in (tmp_path / "MNIST").rglob("*") if path.is_file()]


def test_what_goes_wrong_on_the_way_is_explained(mirror: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="answered 404"):
        fetch("mnist", tmp_path, mirror=f"{mirror}/elsewhere")
    with pytest.raises(DataError, match=r"can't be fetched: .*--mirror"):
        fetch("mnist", tmp_path, mirror="http://127.0.0.1:1")
    with pytest.raises(DataError, match="can't be fetched"):
        fetch("mnist", tmp_path, mirror="no address")
    with pytest.raises(DataError, match="did you mean 'mnist'"):
        fetch("mnsit", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="can't be written"):
        fetch("mnist", tmp_path / "file", mirror=mirror)


def test_bundled_data_needs_no_fetching(tmp_path: Path) -> None:
    assert fetch("digits", tmp_path) == ()
    assert not list(tmp_path.iterdir())
