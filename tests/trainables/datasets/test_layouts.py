"""Folders as people have them: how splits are called, what lies around them, and how names are written."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.s3 import S3
from tests.trainables.datasets.encoding import noise, png
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.data import splits
from trainables.datasets import DataError, Dataset, load
from trainables.datasets.auxiliary_tasks.tasks import resolve_task
from trainables.datasets.errors import nearest
from trainables.datasets.formats.layout import role_of
from trainables.datasets.sampling.one_vs_rest import one_vs_rest


def fill(root: Path, *folders: str, n: int = 5) -> dict[str, Any]:
    """Random images in each of the folders below a root, no two alike."""
    for seed, name in enumerate(folders):
        (root / name).mkdir(parents=True, exist_ok=True)
        for index, image in enumerate(noise(n, seed=seed)):
            (root / name / f"{index}.png").write_bytes(png(image))
    return {"folder": str(root)}


def split(name: str, *classes: str) -> list[str]:
    return [f"{name}/{of}" for of in classes or ("a", "b")]


@pytest.mark.parametrize(
    "train", ["Train", "Training", "TRAIN", "train_images", "trainset", "Training Set", "train2017"]
)
@pytest.mark.parametrize("test", ["test", "Testing", "TestImages"])
def test_splits_are_recognised_however_they_are_called(tmp_path: Path, train: str, test: str) -> None:
    dataset = load(fill(tmp_path / "own", *split(train), *split(test)))
    assert (dataset.classes, len(dataset.train), len(dataset.test)) == (("a", "b"), 10, 10)
    assert dataset.origins == {"train": f"{tmp_path}/own/{train}", "test": f"{tmp_path}/own/{test}"}


@pytest.mark.parametrize("name", ["cat", "image", "contest", "trainer", "1", "évaluation", "latest"])
def test_classes_are_no_splits(name: str) -> None:
    assert role_of(name) is None


@pytest.mark.parametrize("name", ["val", "validation", "valid", "dev", "Val_images", "VALIDATION"])
def test_a_validation_split_is_what_is_held_out(tmp_path: Path, name: str) -> None:
    dataset = load(fill(tmp_path / "own", *split("train"), *split("test"), *split(name)))
    assert dataset.validation is not None
    assert len(dataset.validation) == 10
    cut = splits(Config(dataset="digits"), dataset, "cpu")
    assert sorted(cut.validation.images.flatten(1).tolist()) == sorted(dataset.validation.images.flatten(1).tolist())
    assert sorted(cut.train.images.flatten(1).tolist()) == sorted(dataset.train.images.flatten(1).tolist())
    fewer = splits(Config(dataset="digits", train_size=6, validation_fraction=0.5), dataset, "cpu")
    assert (len(fewer.train), len(fewer.validation)) == (6, 3)
    assert load({"folder": str(tmp_path / "own")}).fingerprint == dataset.fingerprint
    without = Dataset(dataset.name, dataset.classes, dataset.train, dataset.test)
    assert without.fingerprint != dataset.fingerprint


def test_a_validation_split_without_a_test_split_is_explained(tmp_path: Path) -> None:
    spec = fill(tmp_path / "own", *split("train"), *split("val"))
    with pytest.raises(DataError, match=r"has a folder train, but none called test; .*rename val to test"):
        load(spec)


def test_two_folders_for_one_split_are_refused(tmp_path: Path) -> None:
    spec = fill(tmp_path / "own", *split("train"), *split("Training"), *split("test"))
    with pytest.raises(DataError, match="has 2 folders for train: Training, train"):
        load(spec)


def test_classes_called_like_splits_are_classes_or_explained(tmp_path: Path) -> None:
    assert load(fill(tmp_path / "letters", "valid", "invalid")).classes == ("invalid", "valid")
    spec = fill(tmp_path / "vehicles", "bus", "car", "train")
    with pytest.raises(DataError, match="next to it are bus, car: if train is a class, too, rename it"):
        load(spec)


@pytest.mark.parametrize(
    ("around", "inside", "remark"),
    [
        ("own", "", ""),
        ("own/deeper", "", ""),
        ("images", "", "of .* only images is read, not labels"),
        ("", "images/", ""),
        ("own/Images", "imgs/", "only Images is read, not labels"),
    ],
)
def test_what_only_wraps_is_looked_through(tmp_path: Path, around: str, inside: str, remark: str) -> None:
    root = tmp_path / "root"
    fill(root / around, f"train/{inside}a", f"train/{inside}b", f"test/{inside}a", f"test/{inside}b")
    if remark:
        (root / around).parent.joinpath("labels").mkdir()
    dataset = load({"folder": str(root)})
    assert (dataset.classes, len(dataset.train), len(dataset.test)) == (("a", "b"), 10, 10)
    assert bool(dataset.remarks) == bool(remark)


def test_a_wrapper_of_class_folders_is_looked_through(tmp_path: Path) -> None:
    fill(tmp_path / "root" / "letters", "a", "b")
    (tmp_path / "root" / "__MACOSX").mkdir()
    assert load({"folder": str(tmp_path / "root")}).classes == ("a", "b")


def test_folders_below_classes_are_refused_saying_what_was_seen(tmp_path: Path) -> None:
    spec = fill(tmp_path / "own", "cat/day 1", "cat/day 2", "dog/day 1")
    with pytest.raises(
        DataError, match=r"has the folders cat, dog, in which there are folders \(day 1, day 2\) and no"
    ):
        load(spec)
    turned = fill(tmp_path / "turned", "cat/train", "cat/test", "dog/train", "dog/test")
    with pytest.raises(DataError, match=r"folders \(test, train\) and no images; expected CLASS/IMAGE, or train/CLASS"):
        load(turned)
    flat = fill(tmp_path / "flat", "images/train", "images/test")
    with pytest.raises(DataError, match=r"images/train has no class folders, but 5 images; images go into"):
        load(flat)


def test_what_is_not_read_is_remarked(tmp_path: Path) -> None:
    spec = fill(tmp_path / "own", *split("train", "a", "b", "c"), *split("test", "a"), *split("extra"), "train")
    remarks = load(spec).remarks
    assert f"of {tmp_path}/own only train, test are read, not extra" in remarks
    assert f"5 images in {tmp_path}/own/train are not in a class folder and are not read" in remarks
    assert "the test split has no images of classes 'b', 'c'" in remarks


def test_every_class_that_training_lacks_is_told(tmp_path: Path) -> None:
    spec = fill(tmp_path / "own", *split("train"), *split("test", "a", "B", "c"), *split("val", "d"))
    with pytest.raises(DataError) as caught:
        load(spec)
    lines = str(caught.value).splitlines()
    assert [line.partition(" ")[0].rpartition("own/")[2] for line in lines[:3]] == ["test/B", "test/c", "val/d"]
    assert "test/B is a class that the training images don't have; did you mean 'b'?" in lines[0]


def test_what_systems_leave_is_no_image(tmp_path: Path) -> None:
    spec = fill(tmp_path / "own", "a", "b")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._0.png", "ehthumbs.db", "Desktop.ini"):
        (tmp_path / "own" / "a" / name).write_text("")
    for name in ("@eaDir", ".ipynb_checkpoints", "__MACOSX"):
        (tmp_path / "own" / "a" / name).mkdir()
        (tmp_path / "own" / name).mkdir()
    assert load(spec).classes == ("a", "b")


def nfd(name: str) -> str:
    return unicodedata.normalize("NFD", name)


def test_a_name_is_the_same_however_unicode_writes_it(tmp_path: Path) -> None:
    spec = fill(tmp_path / "own", *split("train", "é", "o"), *split("test", nfd("é"), "o"))
    dataset = load(spec)
    assert dataset.classes == ("o", "é")
    assert torch.bincount(dataset.test.labels).tolist() == [5, 5]
    assert resolve_task("x", {nfd("é"): 1, "default": 0}, dataset.classes).labels == (0, 1)
    assert one_vs_rest(dataset, [nfd("é")]).classes == ("o", "é")
    both = load(fill(tmp_path / "both", "é", nfd("é"), "o"))
    assert (both.classes, len(both.train) + len(both.test)) == (("o", "é"), 15)


def test_nobody_is_asked_whether_they_meant_what_they_wrote() -> None:
    assert nearest("é", [nfd("é"), "o"]) == "choose from o"
    assert nearest("cat", ["Cat", "dog"]) == "did you mean 'Cat'?"


def test_capitals_alone_make_two_classes_and_a_remark(tmp_path: Path) -> None:
    dataset = load(fill(tmp_path / "own", "a", "A"))
    assert dataset.classes == ("A", "a")
    assert "'A' and 'a' are two classes whose names differ only in case" in dataset.remarks


def test_layouts_on_s3_are_read_alike(tmp_path: Path, s3: S3) -> None:
    spec = fill(tmp_path / "own", *split("own/Training"), *split("own/Testing", nfd("a"), "b"), *split("own/dev"))
    bucket, client = s3.bucket(), s3.client()
    for path in (tmp_path / "own").rglob("*.png"):
        client.upload_file(str(path), bucket, path.relative_to(tmp_path).as_posix())
    here, there = load(spec), load({"folder": f"s3://{bucket}/own"})
    assert there.fingerprint == here.fingerprint
    assert there.validation is not None
