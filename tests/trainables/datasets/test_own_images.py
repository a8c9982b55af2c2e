"""Bring your own: class folders and Parquet files, sound and otherwise."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from trainables.datasets import DataError, Dataset, load
from trainables.datasets.errors import DataNotFoundError


def picture(value: int = 100, size: tuple[int, int] = (8, 6), mode: str = "L") -> Image.Image:
    """An image of (height, width) `size` with one value everywhere."""
    return Image.new(mode, (size[1], size[0]), value if mode in ("L", "P", "1") else (value, 0, 0))


def encoded(image: Image.Image, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def fill(folder: Path, values: list[int], **kind: Any) -> None:
    folder.mkdir(parents=True)
    for index, value in enumerate(values):
        picture(value, **kind).save(folder / f"{index}.png")


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    for label, name in enumerate("ABE"):
        fill(tmp_path / "letters" / name, [label * 50 + index for index in range(10)])
    (tmp_path / "letters" / ".DS_Store").write_text("")
    (tmp_path / "letters" / "README.txt").write_text("not a class")
    return tmp_path / "letters"


def test_class_folders_are_split_80_20(letters: Path) -> None:
    dataset = load({"folder": str(letters)})
    assert (dataset.name, dataset.classes, dataset.shape) == ("letters", ("A", "B", "E"), (1, 8, 6))
    assert torch.bincount(dataset.train.labels).tolist() == [8, 8, 8]
    assert torch.bincount(dataset.test.labels).tolist() == [2, 2, 2]
    for split in (dataset.train, dataset.test):
        assert torch.equal(split.images[:, 0, 0, 0].long() // 50, split.labels)
    assert load({"folder": str(letters)}).fingerprint == dataset.fingerprint


def test_folders_may_bring_their_own_split(tmp_path: Path) -> None:
    for split, n in (("train", 3), ("test", 2)):
        for label, name in enumerate(("cat", "dog")):
            fill(tmp_path / split / name, [100 * label + index for index in range(n)], mode="RGB")
    dataset = load({"folder": str(tmp_path), "size": 4})
    assert (len(dataset.train), len(dataset.test), dataset.shape) == (6, 4, (3, 4, 4))
    assert dataset.classes == ("cat", "dog")


def test_grey_stays_grey_unless_one_image_has_colour(letters: Path) -> None:
    picture(3, mode="RGB").save(letters / "A" / "0.png")
    assert load({"folder": str(letters)}).shape == (3, 8, 6)


def test_sizes_must_agree_unless_one_is_asked_for(letters: Path) -> None:
    picture(3, size=(9, 6)).save(letters / "B" / "5.png")
    with pytest.raises(DataError, match=r"B/5.png has 9×6 pixels, and .*A/0.png 8×6; add `size: 6`"):
        load({"folder": str(letters)})
    assert load({"folder": str(letters), "size": [10, 12]}).shape == (1, 10, 12)


def test_sixteen_bit_grey_is_scaled_not_clipped(letters: Path) -> None:
    Image.fromarray(np.full((8, 6), 257 * 77, dtype=np.uint16)).save(letters / "A" / "0.png")
    dataset = load({"folder": str(letters)})
    everything = torch.cat([dataset.train.images, dataset.test.images])
    assert 77 in everything[:, 0, 0, 0]
    assert dataset.shape == (1, 8, 6)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda root: (root / "A" / "3.png").write_bytes(b""), "A/3.png is not an image"),
        (lambda root: (root / "A" / "3.png").write_bytes(b"rubbish"), "A/3.png is not an image"),
        (lambda root: (root / "A" / "3.png").write_bytes(encoded(picture())[:45]), "A/3.png is damaged"),
        (lambda root: (root / "A" / "notes.txt").write_text(""), "notes.txt is not an image .*move it out"),
        (lambda root: (root / "A" / "deeper").mkdir(), "deeper is not an image"),
        (lambda root: (root / "empty").mkdir(), "class folder .*empty is empty"),
        (lambda root: (root / "train").mkdir(), "a folder train, but none called test"),
    ],
)
def test_a_broken_folder_is_explained(letters: Path, break_it: Any, message: str) -> None:
    break_it(letters)
    with pytest.raises(DataError, match=message):
        load({"folder": str(letters)})


def test_missing_empty_and_lopsided_folders_are_explained(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="does not exist"):
        load({"folder": str(tmp_path / "nowhere")})
    (tmp_path / "file").write_text("")
    with pytest.raises(DataNotFoundError, match="is not a folder"):
        load({"folder": str(tmp_path / "file")})
    (tmp_path / "bare").mkdir()
    with pytest.raises(DataError, match="has no class folders"):
        load({"folder": str(tmp_path / "bare")})
    fill(tmp_path / "split" / "train" / "cat", [1])
    fill(tmp_path / "split" / "test" / "cats", [1])
    with pytest.raises(DataError, match=r"cats is a class that the training images don't have; did you mean 'cat'\?"):
        load({"folder": str(tmp_path / "split")})


def table(path: Path, **columns: list[Any]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def parquet(
    tmp_path: Path, train: dict[str, list[Any]], test: dict[str, list[Any]] | None = None, **more: Any
) -> Dataset:
    files = {
        "train": table(tmp_path / "train.parquet", **train),
        "test": table(tmp_path / "t.parquet", **(test or train)),
    }
    return load({"parquet": {name: str(path) for name, path in files.items()}, **more})


def rows(**changes: list[Any]) -> dict[str, list[Any]]:
    return {"image": [encoded(picture(value)) for value in (10, 20, 30)], "label": [2, 5, 2], **changes}


def test_labels_are_numbered_and_named(tmp_path: Path) -> None:
    dataset = parquet(tmp_path, rows(label_name=["stop", "go", "stop"]))
    assert (dataset.name, dataset.classes, dataset.shape) == ("train", ("stop", "go"), (1, 8, 6))
    assert dataset.train.labels.tolist() == [0, 1, 0]
    assert dataset.train.images[:, 0, 0, 0].tolist() == [10, 20, 30]
    assert parquet(tmp_path, rows()).classes == ("2", "5")
    assert parquet(tmp_path, rows(label=["b", "a", "b"])).train.labels.tolist() == [1, 0, 1]


def test_jpeg_colour_and_size(tmp_path: Path) -> None:
    images = [encoded(picture(200, mode="RGB"), "JPEG"), encoded(picture(7, size=(3, 3))), encoded(picture(9))]
    dataset = parquet(tmp_path, rows(image=images), size=5)
    assert dataset.shape == (3, 5, 5)


def test_masks_follow_their_images(tmp_path: Path) -> None:
    mask = np.zeros((8, 6), dtype=np.uint8)
    mask[:4] = 255
    dataset = parquet(tmp_path, rows(mask=[encoded(Image.fromarray(mask)), None, None]), rows())
    assert dataset.train.masks is not None
    assert dataset.train.masks.shape == (3, 8, 6)
    assert dataset.train.masks[0].float().mean() == 127.5
    assert dataset.train.masks[1:].sum() == 0
    assert dataset.test.masks is None
    resized = parquet(tmp_path, rows(mask=[encoded(Image.fromarray(mask)), None, None]), size=4)
    assert resized.train.masks is not None
    assert set(resized.train.masks.flatten().tolist()) == {0, 255}
    with pytest.raises(DataError, match=r"row 0 has a mask of 3×3 pixels on an image of 8×6"):
        parquet(tmp_path, rows(mask=[encoded(picture(size=(3, 3))), None, None]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": [encoded(picture()), b"rubbish", b""]}, "train.parquet, row 1 is not an image"),
        ({"image": [encoded(picture()), encoded(picture()), b""]}, "row 2 is not an image: it has no bytes"),
        ({"image": [encoded(picture()), None, encoded(picture())]}, "row 1 has no image"),
        ({"image": [encoded(picture()), encoded(picture(size=(4, 4))), encoded(picture())]}, "row 1 has 4×4 pixels"),
        ({"image": ["text", "text", "text"]}, r"column 'image' must hold encoded bytes \(binary\), not string"),
        ({"label": [0, None, 1]}, "row 1 has no label"),
        ({"label": [0, -1, 1]}, "row 1 has the negative label -1"),
        ({"label": [0.5, 1.5, 1.0]}, "column 'label' must hold integers or text, not double"),
        ({"label_name": ["a", "b", "c"]}, "row 2 calls label 2 'c', an earlier row 'a'"),
        ({"label_name": ["a", "a", "a"]}, "gives two labels the name 'a'"),
        ({"mask": [b"rubbish", None, None]}, "row 0, mask is not an image"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, changes: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        parquet(tmp_path, rows(**changes), rows())


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no column 'image'; its columns are imag, label; did you mean 'imag'\?"):
        parquet(tmp_path, {"imag": [b""], "label": [1]})
    with pytest.raises(DataError, match="has no rows"):
        parquet(tmp_path, {"image": pa.array([], pa.binary()), "label": pa.array([], pa.int64())})
    with pytest.raises(DataError, match=r"t.parquet, row 1 has label 9, which no training image has"):
        parquet(tmp_path, rows(), rows(label=[2, 9, 2]))
    with pytest.raises(DataError, match=r"t.parquet, row 0 has 4×4 pixels"):
        parquet(tmp_path, rows(), rows(image=[encoded(picture(size=(4, 4)))] * 3))
    (tmp_path / "rubbish.parquet").write_bytes(b"PAR1 rubbish")
    for name, message in (("rubbish.parquet", "not a readable Parquet file"), ("nowhere.parquet", "does not exist")):
        with pytest.raises(DataError, match=message):
            load({"parquet": {"train": str(tmp_path / name), "test": str(tmp_path / name)}})
