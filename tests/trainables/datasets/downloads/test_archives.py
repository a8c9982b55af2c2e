"""CIFAR-10 and SVHN fetched over HTTP: verified, unpacked, and nothing else written."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.trainables.datasets import layouts
from tests.trainables.datasets.encoding import noise
from tests.trainables.datasets.test_idx_files import serve
from trainables.datasets import KNOWN, DataError, fetch, load
from trainables.datasets.downloads.archives import Archive


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def pack(source: Path, target: Path, *, without: str = "") -> None:
    """A .tar.gz of a folder as CIFAR-10's authors make it, with a member that leads out of it."""
    with tarfile.open(target, "w:gz") as archive:
        for path in sorted(source.iterdir()):
            if path.name != without:
                archive.add(path, f"{source.name}/{path.name}")
        evil = tarfile.TarInfo("../../escaped.txt")
        evil.size = 4
        archive.addfile(evil, io.BytesIO(b"evil"))


def archives_of(name: str) -> list[Archive]:
    """The archives that a dataset is fetched as."""
    return [download for download in KNOWN[name].downloads if isinstance(download, Archive)]


def give(monkeypatch: pytest.MonkeyPatch, name: str, archives: Sequence[Archive]) -> None:
    """Let a dataset be fetched as other archives."""
    monkeypatch.setitem(KNOWN, name, replace(KNOWN[name], downloads=tuple(archives)))  # type: ignore[arg-type]


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A mirror of generated archives, whose checksums are taken for the published ones."""
    made, mirror = tmp_path / "made", tmp_path / "mirror"
    mirror.mkdir()
    layouts.cifar_binary(made, *layouts.cifar_images())
    layouts.svhn(made, noise(3, (32, 32, 3)), noise(2, (32, 32, 3)), {"train": [1, 2, 10], "test": [1, 2]})
    pack(made / "cifar-10-batches-bin", mirror / "cifar-10-binary.tar.gz")
    for name in ("train_32x32.mat", "test_32x32.mat"):
        (made / "SVHN" / name).rename(mirror / name)
    for name in ("cifar10", "svhn"):
        give(monkeypatch, name, [replace(archive, md5=md5(mirror / archive.file)) for archive in archives_of(name)])
    yield from serve(mirror)


@pytest.mark.parametrize(("name", "train", "files"), [("cifar10", 15, 6), ("svhn", 3, 2)])
def test_fetching_brings_what_loads(name: str, train: int, files: int, served: str, tmp_path: Path) -> None:
    root, told = tmp_path / "data", set()
    found = fetch(name, root, mirror=served, progress=lambda file, done, total: told.add(file))
    assert len(found) == files
    assert all(path.is_file() for path in found)
    assert told == {archive.file for archive in archives_of(name)}
    assert len(load(name, root).train) == train
    assert fetch(name, root, mirror="http://127.0.0.1:1") == found, "what is there is not fetched again"
    assert {path for path in root.rglob("*") if path.is_file()} == {*found}, "nothing else is left"
    assert not (tmp_path / "escaped.txt").exists()


def test_wrong_content_is_never_kept(served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [archive] = archives_of("cifar10")
    give(monkeypatch, "cifar10", [replace(archive, md5="0" * 32)])
    root = tmp_path / "data"
    with pytest.raises(
        DataError, match=r"something other than cifar-10-binary\.tar\.gz: its md5 is \w+, the published"
    ):
        fetch("cifar10", root, mirror=served)
    assert not [path for path in root.rglob("*") if path.is_file()]


def test_an_archive_that_lacks_a_batch_is_refused(served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mirror" / "cifar-10-binary.tar.gz"
    pack(tmp_path / "made" / "cifar-10-batches-bin", path, without="data_batch_4.bin")
    [archive] = archives_of("cifar10")
    give(monkeypatch, "cifar10", [replace(archive, md5=md5(path))])
    with pytest.raises(DataError, match=r"has no data_batch_4\.bin"):
        fetch("cifar10", tmp_path / "data", mirror=served)


@pytest.mark.parametrize("name", ["gtsrb", "tiny_imagenet"])
def test_what_has_no_published_checksum_is_not_fetched(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no address with a published checksum is known") as caught:
        fetch(name, tmp_path)
    assert KNOWN[name].files in str(caught.value)


def test_the_checksums_are_those_that_torchvision_knows() -> None:
    datasets = pytest.importorskip("torchvision.datasets")
    assert [(a.file, a.md5) for a in archives_of("svhn")] == [
        tuple(datasets.SVHN.split_list[split][1:3]) for split in ("train", "test")
    ]
