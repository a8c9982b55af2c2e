"""SVHN, GTSRB, CIFAR-10 and Tiny ImageNet in their authors' layouts, and in Parquet; whole, in part or damaged."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from tests.trainables.datasets import layouts
from tests.trainables.datasets.encoding import noise, png
from trainables.datasets import KNOWN, DataError, load
from trainables.datasets.availability import Presence, is_present, look
from trainables.datasets.config import NamedDataset, dataset_of, known_facts, with_size
from trainables.datasets.errors import DataNotFoundError


def channels_first(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy())


def test_svhn_calls_its_tenth_class_0(tmp_path: Path) -> None:
    train, test = noise(12, (32, 32, 3)), noise(3, (32, 32, 3), seed=1)
    layouts.svhn(tmp_path, train, test, {"train": [*range(1, 11), 10, 1], "test": [10, 9, 1]})
    dataset = load("svhn", tmp_path)
    assert (dataset.name, dataset.classes, dataset.shape) == ("svhn (part)", tuple("0123456789"), (3, 32, 32))
    assert dataset.train.labels.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 1]
    assert dataset.test.labels.tolist() == [0, 9, 1]
    assert torch.equal(dataset.train.images, channels_first(train))
    assert torch.equal(dataset.test.images, channels_first(test))
    assert look("svhn", tmp_path) == Presence("SVHN/*_32x32.mat", 12, 3)


@pytest.mark.parametrize("write", [layouts.cifar_binary, layouts.cifar_pickled])
def test_cifar10_is_read_from_either_form(write: Callable[..., None], tmp_path: Path) -> None:
    images, labels = layouts.cifar_images()
    write(tmp_path, images, labels)
    dataset = load("cifar10", tmp_path)
    assert torch.equal(dataset.train.images, channels_first(images[:15]))
    assert torch.equal(dataset.test.images, channels_first(images[15:]))
    assert dataset.train.labels.tolist() == labels[:15].tolist()
    assert dataset.test.labels.tolist() == labels[15:].tolist()
    assert dataset.classes[:3] == ("airplane", "automobile", "bird")
    found = look("cifar10", tmp_path)
    assert found is not None
    assert (found.train, found.test, found.complete("cifar10")) == (15, 3, False)


class _Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_that_would_run_something_is_refused(tmp_path: Path) -> None:
    layouts.cifar_pickled(tmp_path, *layouts.cifar_images())
    batch, trace = tmp_path / "cifar-10-batches-py" / "data_batch_1", tmp_path / "was here"
    batch.write_bytes(pickle.dumps(_Evil(trace), protocol=2))
    with pytest.raises(DataError, match=r"data_batch_1 is not a batch of CIFAR-10: it names \w+\.mkdir"):
        load("cifar10", tmp_path)
    assert not trace.exists()


@pytest.mark.parametrize("training", ["Final_Training/Images", "Training"])
def test_gtsrb_is_brought_to_one_size(training: str, tmp_path: Path) -> None:
    layouts.gtsrb(tmp_path, training)
    dataset = load("gtsrb", tmp_path)
    assert (dataset.shape, len(dataset.classes), dataset.classes[14]) == ((3, 112, 112), 43, "Stop")
    assert dataset.train.labels.tolist() == [label for label in range(43) for _ in range(2)]
    assert dataset.test.labels.tolist() == [0, 2, 4]
    assert torch.equal(dataset.train.images[:, 0, 50, 60].long(), dataset.train.labels)
    assert dataset.test.images[:, 0, 0, 0].tolist() == [200, 201, 202]
    assert dataset.train.images[:, 1:].max() == 0
    assert load({"known": "gtsrb", "size": 24}, tmp_path).shape == (3, 24, 24)
    assert look("gtsrb", tmp_path) == Presence(f"gtsrb/GTSRB/{training}, Final_Test/Images", 86, 3)


def test_tiny_imagenet_is_tested_on_its_validation_images(tmp_path: Path) -> None:
    layouts.tiny_imagenet(tmp_path)
    dataset = load("tiny_imagenet", tmp_path)
    assert (dataset.shape, dataset.classes[0], len(dataset.train)) == ((3, 64, 64), "goldfish", 200)
    assert dataset.test.labels.tolist() == [199, 0, 7]
    assert dataset.test.images[:, 0, 30, 30].tolist() == pytest.approx([199, 0, 7], abs=2)
    assert dataset.train.images[0].unique().tolist() == [50], "grey ones become RGB"
    assert look("tiny_imagenet", tmp_path) == Presence("tiny-imagenet-200", 200, 3)


def write_cifar_parquet(root: Path, label: int = 3, name: str = "cat") -> None:
    for split, n in (("train", 4), ("test", 2)):
        images = [png(image) for image in noise(n, (32, 32, 3))]
        columns = {"image": images, "label": [label] * n, "label_name": [name] * n}
        pq.write_table(pa.table(columns), root / f"cifar10_{split}.parquet")


def test_parquet_numbers_classes_as_the_dataset_does(tmp_path: Path) -> None:
    write_cifar_parquet(tmp_path)
    dataset = load("cifar10", tmp_path)
    assert (dataset.name, dataset.classes) == ("cifar10 (part)", KNOWN["cifar10"].facts.classes)
    assert dataset.train.labels.tolist() == [3, 3, 3, 3], "though no other class is there"
    assert torch.equal(dataset.train.images, channels_first(noise(4, (32, 32, 3))))


@pytest.mark.parametrize(
    ("label", "name", "message"),
    [(3, "dog", r"row 0 calls label 3 'dog'; it is 'cat'"), (10, "cat", "row 0 has label 10; labels are 0 to 9")],
)
def test_parquet_of_other_classes_is_refused(label: int, name: str, message: str, tmp_path: Path) -> None:
    write_cifar_parquet(tmp_path, label, name)
    with pytest.raises(DataError, match=message):
        load("cifar10", tmp_path)


def test_official_files_go_before_parquet(tmp_path: Path) -> None:
    write_cifar_parquet(tmp_path)
    assert look("cifar10", tmp_path) == Presence("cifar10_train.parquet and cifar10_test.parquet", 4, 2)
    layouts.cifar_binary(tmp_path, *layouts.cifar_images())
    assert look("cifar10", tmp_path) == Presence("cifar-10-batches-bin", 15, 3)
    assert len(load("cifar10", tmp_path).train) == 15


def test_the_whole_is_not_called_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layouts.cifar_binary(tmp_path, *layouts.cifar_images())
    cifar = KNOWN["cifar10"]
    for train, test, name in ((15, 3, "cifar10"), (15, 4, "cifar10 (part)"), (16, 3, "cifar10 (part)")):
        monkeypatch.setitem(KNOWN, "cifar10", replace(cifar, facts=replace(cifar.facts, train=train, test=test)))  # type: ignore[arg-type]
        found, dataset = look("cifar10", tmp_path), load("cifar10", tmp_path)
        assert found is not None
        assert (dataset.name, found.complete("cifar10")) == (name, name == "cifar10")
    assert load("cifar10", tmp_path).fingerprint == dataset.fingerprint


@pytest.mark.parametrize("name", ["svhn", "gtsrb", "cifar10", "tiny_imagenet"])
def test_an_absent_dataset_says_what_to_put_where(name: str, tmp_path: Path) -> None:
    assert look(name, tmp_path) is None
    with pytest.raises(DataNotFoundError) as caught:
        load(name, tmp_path)
    for hint in (name, str(tmp_path), "_train.parquet", "--data-root", "SADDLE_DATA"):
        assert hint in str(caught.value)


def spoil_svhn(root: Path) -> None:
    layouts.svhn(root, noise(2, (32, 32, 3)), noise(1, (32, 32, 3)), {"train": [1, 0], "test": [1]})


def spoil_gtsrb(root: Path, change: Callable[[Path], None]) -> None:
    layouts.gtsrb(root, per_class=1)
    change(root / "gtsrb" / "GTSRB")


def spoil_tiny(root: Path, change: Callable[[Path], None]) -> None:
    layouts.tiny_imagenet(root)
    change(root / "tiny-imagenet-200")


def spoil_cifar(root: Path, change: Callable[[Path], None]) -> None:
    layouts.cifar_binary(root, *layouts.cifar_images())
    change(root / "cifar-10-batches-bin")


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("svhn", spoil_svhn, r"train_32x32\.mat, image 1 has label 0; SVHN's are 1 to 10"),
        ("cifar10", lambda root: spoil_cifar(root, lambda at: (at / "test_batch.bin").unlink()), "lacks test_batch"),
        (
            "cifar10",
            lambda root: spoil_cifar(root, lambda at: (at / "test_batch.bin").write_bytes(b"x" * 3074)),
            "has 3074 bytes, which is not a multiple of the 3073",
        ),
        (
            "cifar10",
            lambda root: spoil_cifar(root, lambda at: (at / "test_batch.bin").write_bytes(b"\x0b" * 3073)),
            "image 0 has label 11; labels of cifar10 are 0 to 9",
        ),
        (
            "gtsrb",
            lambda root: spoil_gtsrb(
                root, lambda at: layouts.write_csv(at / "Final_Training/Images/00003/GT-00003.csv", ["0.ppm;;;;;;;4"])
            ),
            r"GT-00003\.csv gives 0\.ppm class 4, in a folder of 3",
        ),
        (
            "gtsrb",
            lambda root: spoil_gtsrb(
                root, lambda at: layouts.write_csv(at.parent / "GT-final_test.csv", ["../../x.ppm;;;;;;;4"])
            ),
            r"GT-final_test\.csv, line 2 names no file",
        ),
        (
            "gtsrb",
            lambda root: spoil_gtsrb(root, lambda at: (at.parent / "GT-final_test.csv").unlink()),
            r"no GT-final_test\.csv",
        ),
        (
            "tiny_imagenet",
            lambda root: spoil_tiny(root, lambda at: (at / "train" / "n01443538").mkdir()),
            "n01443538 is not one of Tiny ImageNet's 200 classes; did you mean 'n01443537'",
        ),
        (
            "tiny_imagenet",
            lambda root: spoil_tiny(root, lambda at: shutil.rmtree(at / "train" / "n01443537")),
            r"n01443537.images has no \*\.JPEG",
        ),
        (
            "tiny_imagenet",
            lambda root: spoil_tiny(root, lambda at: (at / "val/val_annotations.txt").write_text("a.JPEG\tn1\n")),
            r"val_annotations\.txt, line 1 names class 'n1'",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damage_is_explained(name: str, spoil: Callable[[Path], None], message: str, tmp_path: Path) -> None:
    spoil(tmp_path)
    with pytest.raises(DataError, match=message):
        load(name, tmp_path)


def test_half_of_a_dataset_is_not_present(tmp_path: Path) -> None:
    spoil_cifar(tmp_path, lambda at: (at / "test_batch.bin").unlink())
    assert not is_present("cifar10", tmp_path)
    found = look("cifar10", tmp_path)
    assert found is not None
    assert "lacks test_batch.bin" in found.problem


def test_a_size_is_reached_as_pillow_reaches_it(digits: object, tmp_path: Path) -> None:
    small, large = load("digits"), load({"known": "digits", "size": 13})
    assert (large.name, large.shape, len(large.train), len(large.test)) == ("digits", (1, 13, 13), 1397, 400)
    assert torch.equal(large.test.labels, small.test.labels)
    image = Image.fromarray(small.test.images[7, 0].numpy()).resize((13, 13), Image.Resampling.BILINEAR)
    assert np.array_equal(large.test.images[7, 0].numpy(), np.asarray(image))


def test_a_size_can_be_given_to_any_dataset() -> None:
    assert with_size("gtsrb", 48) == NamedDataset(known="gtsrb", size=48)
    assert with_size("gtsrb", None) == "gtsrb"
    own = with_size({"folder": "x", "size": 5}, 7)
    assert (own.folder, own.size) == ("x", 7)  # type: ignore[union-attr]
    facts = known_facts(with_size("gtsrb", 48))
    assert facts is not None
    assert (facts.shape, facts.train) == ((3, 48, 48), 39_209)
    assert known_facts("gtsrb").shape == (3, 112, 112)  # type: ignore[union-attr]


def test_a_configuration_names_its_dataset_with_tiles_and_size_where_it_has_them() -> None:
    cut = SimpleNamespace(dataset="crackforest", tile_size=96, image_size=32)
    assert dataset_of(cut) == NamedDataset(known="crackforest", tile=96, size=32)
    assert dataset_of(SimpleNamespace(dataset="crackforest", tile_size=None, image_size=None)) == "crackforest"
    assert dataset_of(SimpleNamespace(dataset={"folder": "x"}, image_size=8)).size == 8  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "train", "test", "shape"),
    [
        ("gtsrb", 4730, 1290, (3, 112, 112)),
        ("cifar10", 10_000, 2_000, (3, 32, 32)),
        ("tiny_imagenet", 6_000, 2_000, (3, 64, 64)),
    ],
)
def test_the_development_copies_are_parts(
    name: str, train: int, test: int, shape: tuple[int, int, int], known_data: Path
) -> None:
    found = look(name, known_data)
    if found is None or ".parquet" not in found.form:
        pytest.skip(f"no development copy of {name} in {known_data}")
    assert (found.train, found.test, found.complete(name)) == (train, test, False)
    dataset = load({"known": name, "size": 16}, known_data)
    assert (dataset.name, dataset.classes) == (f"{name} (part)", KNOWN[name].facts.classes)
    assert dataset.train.labels.unique().tolist() == list(range(len(dataset.classes)))
    assert known_facts(name).shape == shape  # type: ignore[union-attr]
