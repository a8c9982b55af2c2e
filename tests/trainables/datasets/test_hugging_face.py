"""Parquet as other tools write it: Hugging Face's structs, names in the schema, dictionaries, views, odd labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tests.trainables.datasets.encoding import noise, png
from trainables.datasets import DataError, Dataset, load

IMAGES = [png(image) for image in noise(6)]
NAMES = ["cat", "dog", "cow"]


def features(**columns: Any) -> dict[bytes, bytes]:
    """The schema's metadata that `datasets` writes."""
    return {b"huggingface": json.dumps({"info": {"features": columns}}).encode()}


def class_label(names: Any = NAMES) -> dict[str, Any]:
    return {"names": names, "_type": "ClassLabel"}


def structs(images: list[bytes | None] = IMAGES) -> pa.Array:  # type: ignore[type-arg, assignment]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    return pa.array([{"bytes": image, "path": f"{row}.png"} for row, image in enumerate(images)], kind)


def write(path: Path, metadata: dict[bytes, bytes] | None = None, **columns: Any) -> str:
    table = pa.table(columns).replace_schema_metadata(metadata)
    pq.write_table(table, path)
    return str(path)


def loaded(tmp_path: Path, metadata: dict[bytes, bytes] | None = None, more: Any = None, **columns: Any) -> Dataset:
    path = write(tmp_path / "train.parquet", metadata, **columns)
    return load({"parquet": {"train": path, "test": path, **(more or {})}})


def labels_of(dataset: Dataset) -> list[str]:
    return [dataset.classes[label] for label in dataset.train.labels.tolist()]


def test_a_hugging_face_file_is_read_with_its_names(tmp_path: Path) -> None:
    metadata = features(image={"_type": "Image"}, label=class_label())
    dataset = loaded(tmp_path, metadata, image=structs(), label=pa.array([2, 0, 1, 0, 2, 0]))
    assert labels_of(dataset) == ["cow", "cat", "dog", "cat", "cow", "cat"]
    assert np.array_equal(dataset.train.images[:, 0].numpy(), noise(6))


def test_names_may_be_a_mapping_and_labels_may_lack(tmp_path: Path) -> None:
    metadata = features(
        label=class_label({"0": "cat", "1": "dog", "10": "cow"} | {str(n): f"x{n}" for n in range(2, 10)})
    )
    dataset = loaded(tmp_path, metadata, image=structs(), label=[10, 0, 10, 0, 0, 0])
    assert dataset.classes == ("cat", "cow")


def test_cifars_columns_are_found(tmp_path: Path) -> None:
    metadata = features(img={"_type": "Image"}, fine_label=class_label(), coarse_label=class_label(["pet", "farm"]))
    columns = {"img": structs(), "fine_label": [0, 1, 2, 0, 1, 2], "coarse_label": [0, 0, 1, 0, 0, 1]}
    fine = loaded(tmp_path, metadata, **columns)
    assert fine.classes == ("cat", "dog", "cow")
    assert "labels are those of column 'fine_label'" in fine.remarks[0]
    coarse = loaded(tmp_path, metadata, {"label": "coarse_label"}, **columns)
    assert (coarse.classes, list(coarse.remarks)) == (("pet", "farm"), [])
    with pytest.raises(DataError, match=r"has no column 'coarse'; did you mean 'coarse_label'\?"):
        loaded(tmp_path, metadata, {"label": "coarse"}, **columns)
    assert loaded(tmp_path, metadata, {"image": "img"}, **columns).classes == fine.classes


def test_declared_columns_are_found_whatever_they_are_called(tmp_path: Path) -> None:
    metadata = features(scan={"_type": "Image"}, tissue=class_label())
    assert loaded(tmp_path, metadata, scan=structs(), tissue=[0, 1, 2] * 2).classes == tuple(NAMES)


@pytest.mark.parametrize(
    "image",
    [
        pa.array(IMAGES, pa.large_binary()),
        pa.array(IMAGES, pa.binary_view()),
        pa.array(IMAGES, pa.binary()).dictionary_encode(),
        pa.array([{"bytes": image} for image in IMAGES], pa.struct([("bytes", pa.large_binary())])),
    ],
    ids=lambda image: str(image.type),
)
def test_images_may_be_of_any_binary_type(tmp_path: Path, image: Any) -> None:
    assert np.array_equal(loaded(tmp_path, image=image, label=[0, 1] * 3).train.images[:, 0].numpy(), noise(6))


TEXT = ["b", "a", "c"] * 2


@pytest.mark.parametrize(
    ("label", "names"),
    [
        (pa.array(TEXT, pa.large_string()), TEXT),
        (pa.array(TEXT, pa.string_view()), TEXT),
        (pa.array(TEXT).dictionary_encode(), TEXT),
        (pa.array([2, 0, 1] * 2, pa.int8()).dictionary_encode(), ["2", "0", "1"] * 2),
        (pa.array([True, False] * 3), ["true", "false"] * 3),
        (pa.array([2.0, 0.0, 1.0] * 2), ["2", "0", "1"] * 2),
        (pa.array([2, 0, 1] * 2, pa.float16()), ["2", "0", "1"] * 2),
        (pa.array([2, 0, 1] * 2, pa.uint64()), ["2", "0", "1"] * 2),
        (pa.array(["e\u0301", "\u00e9", "o"] * 2), ["\u00e9", "\u00e9", "o"] * 2),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_labels_may_be_of_any_plain_type(tmp_path: Path, label: Any, names: list[str]) -> None:
    assert labels_of(loaded(tmp_path, image=structs(), label=label)) == names


def test_names_in_a_dictionary_column_are_kept(tmp_path: Path) -> None:
    names = pa.array(["x", "y", "x", "y", "x", "y"]).dictionary_encode()
    dataset = loaded(tmp_path, image=structs(), label=[5, 7] * 3, label_name=names)
    assert labels_of(dataset) == ["x", "y"] * 3


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ([0.5, 1.0, 2.0] * 2, "row 0: column 'label' must hold integers or text, not double: it has 0.5"),
        ([[0]] * 6, "column 'label' must hold integers or text, not list"),
        ([float("nan"), 1.0, 2.0] * 2, "row 0 has no label"),
        ([0, 3, 2] * 2, "row 1 has label 3, and the schema names 3 classes"),
        ([-1, 0, 1] * 2, "row 0 has the negative label -1"),
    ],
)
def test_labels_that_are_none_are_refused_with_their_rows(tmp_path: Path, label: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        loaded(tmp_path, features(label=class_label()), image=structs(), label=label)


def test_all_rows_that_are_wrong_are_told_at_once(tmp_path: Path) -> None:
    images = [*IMAGES[:4], None, b"rubbish"]
    path = write(tmp_path / "t.parquet", image=structs(images), label=[0, None, 1, None, 0, 1])
    sound = write(tmp_path / "sound.parquet", image=structs(), label=[0, 1, 1, 1, 0, 7])
    with pytest.raises(DataError) as caught:
        load({"parquet": {"train": path, "test": sound}})
    assert str(caught.value).splitlines() == [
        f"{path}, row 1 has no label",
        f"{path}, row 3 has no label",
        f"{sound}, row 5 has label 7, which no training image has",
        f"{path}, row 4 has no image: its bytes are null (a path alone isn't followed)",
        f"{path}, row 5 is not an image, or of a kind that isn't read (PNG, JPEG, WebP, TIFF, BMP, GIF and PPM are)",
        "(5 mistakes in all)",
    ]


def test_splits_that_name_labels_otherwise_are_refused(tmp_path: Path) -> None:
    train = write(tmp_path / "a.parquet", features(label=class_label()), image=structs(), label=[0, 1, 2] * 2)
    turned = features(label=class_label(["dog", "cat", "cow"]))
    test = write(tmp_path / "b.parquet", turned, image=structs(), label=[0, 1, 2] * 2)
    with pytest.raises(DataError, match=r"b\.parquet, row 0 calls label 0 'dog', the training images 'cat'"):
        load({"parquet": {"train": train, "test": test}})


def test_a_validation_file_is_held_out(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", image=structs(), label=[0, 1, 2] * 2)
    held_out = write(tmp_path / "v.parquet", image=structs(IMAGES[:3]), label=[0, 1, 2])
    dataset = load({"parquet": {"train": path, "test": path, "validation": held_out}})
    assert dataset.validation is not None
    assert torch.equal(dataset.validation.images, dataset.train.images[:3])
    assert dataset.origins["validation"] == held_out


def test_a_folder_with_files_of_all_splits_gives_each_its_own(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    counts = {"train-00000-of-00002": 2, "train-00001-of-00002": 3, "test-00000-of-00001": 4, "validation-0-of-1": 1}
    for name, count in counts.items():
        write(tmp_path / "data" / f"{name}.parquet", image=structs(IMAGES[:count]), label=[0, 1, 0, 1][:count])
    data = str(tmp_path / "data")
    dataset = load({"parquet": {"train": data, "test": data, "validation": data}})
    assert {split: len(of) for split, of in dataset.splits.items()} == {"train": 5, "test": 4, "validation": 1}
    (tmp_path / "data" / "validation-0-of-1.parquet").unlink()
    with pytest.raises(DataError, match=r"has \*\.parquet files of test, train, and none of validation"):
        load({"parquet": {"train": data, "test": data, "validation": data}})
