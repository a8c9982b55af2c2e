"""Large images cut into tiles: what is cut, which label it gets, and from which image it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from tests.trainables.datasets.encoding import noise, png, write_parquet
from trainables.datasets import DataError, Dataset, Split, load
from trainables.datasets.config import NamedDataset, known_facts, parse_spec
from trainables.datasets.decoding.tiles import label_of

SIDE = 10


def mask_of(height: int, width: int, **values: Any) -> np.ndarray:
    """A mask of 2 × 3 tiles of 10 pixels; `t12` gives how many pixels of tile (1, 2) are damaged, or (count, value)."""
    mask = np.zeros((height, width), np.uint8)
    for key, value in values.items():
        row, column = int(key[1]), int(key[2])
        count, grey = value if isinstance(value, tuple) else (value, 255)
        tile = mask[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE]
        flat = tile.reshape(-1).copy()
        flat[flat == 0] = np.where(np.arange((flat == 0).sum()) < count, grey, 0)
        tile[:] = flat.reshape(tile.shape)
    return mask


def write(path: Path, images: np.ndarray, masks: list[np.ndarray | None], labels: list[int]) -> str:
    columns = {
        "image": [png(image) for image in images],
        "label": labels,
        "mask": pa.array([None if mask is None else png(mask) for mask in masks], pa.binary()),
    }
    pq.write_table(pa.table(columns), path)
    return str(path)


@pytest.fixture
def masked(tmp_path: Path) -> tuple[dict[str, Any], np.ndarray]:
    """Three training images of 23 × 35 pixels, and a test image; what is asked for, and the training images."""
    images = noise(3, (23, 35, 3))
    masks = [
        mask_of(23, 35, t00=1, t01=(1, 64), t02=(1, 127), t12=100),
        None,
        mask_of(23, 35, t10=(30, 64), t11=(3, 200)),
    ]
    train = write(tmp_path / "train.parquet", images, masks, [5, 5, 5])
    test = write(tmp_path / "test.parquet", noise(1, (23, 35, 3), seed=1), [mask_of(23, 35, t00=1)], [5])
    return {"parquet": {"train": train, "test": test}, "tile": SIDE}, images


def test_tiles_are_cut_row_by_row_and_labelled_by_their_masks(masked: tuple[dict[str, Any], np.ndarray]) -> None:
    spec, images = masked
    dataset = load(spec)
    train = dataset.train
    assert (dataset.classes, dataset.shape) == (("undamaged", "damaged"), (3, SIDE, SIDE))
    # of the first image tiles (0, 1) and (0, 2) are ambiguous; the last one's (1, 0) too; no mask is not damage
    assert train.groups is not None
    assert train.groups.tolist() == [0] * 4 + [1] * 6 + [2] * 5
    assert train.labels.tolist() == [1, 0, 0, 1] + [0] * 6 + [0, 0, 0, 1, 0]
    last = images[2][10:20, 10:20]
    assert torch.equal(train.images[13], torch.from_numpy(last).permute(2, 0, 1))
    assert train.masks is not None
    assert train.masks[13].unique(return_counts=True)[1].tolist() == [97, 3]
    assert train.masks[4:10].max() == 0
    assert dataset.test.groups is not None
    assert dataset.test.groups.tolist() == [0] * 6


def test_what_else_a_mask_marks_makes_a_tile_ambiguous_unless_it_is_damaged() -> None:
    mask = np.zeros((10, 20), np.uint8)
    assert label_of(mask, 3) == 0
    mask[0, 0] = 255
    assert label_of(mask, 3) is None, "half a percent"
    mask[0, 1] = 255
    assert label_of(mask, 3) == 3
    mask[5:] = 64
    assert label_of(mask, 3) == 3
    assert label_of(np.full((10, 10), 64, np.uint8), 3) is None


def test_tiles_are_resized_after_cutting(masked: tuple[dict[str, Any], np.ndarray]) -> None:
    spec, images = masked
    small = load({**spec, "size": 5}).train
    tile = Image.fromarray(images[1][10:20, 20:30]).resize((5, 5), Image.Resampling.BILINEAR)
    assert torch.equal(small.images[9], torch.from_numpy(np.array(tile)).permute(2, 0, 1))
    assert len(small) == 15, "labels are those of the tiles before resizing"


def test_without_masks_a_tile_has_its_images_label(tmp_path: Path) -> None:
    train = write_parquet(tmp_path / "train.parquet", noise(4, (9, 12)))
    test = write_parquet(tmp_path / "test.parquet", noise(3, (8, 8), seed=1))
    dataset = load({"parquet": {"train": str(train), "test": str(test)}, "tile": 4})
    assert dataset.classes == ("0", "1", "2")
    assert dataset.train.labels.tolist() == [0] * 6 + [1] * 6 + [2] * 6 + [0] * 6
    assert dataset.test.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert dataset.train.masks is None


def test_groups_survive_subsets_and_belong_to_the_fingerprint_where_they_are() -> None:
    images, labels = torch.zeros(4, 1, 4, 4, dtype=torch.uint8), torch.tensor([0, 1, 0, 1])
    plain = Split(images, labels)
    grouped = Split(images, labels, groups=torch.tensor([0, 0, 1, 1]))
    assert grouped.subset(torch.tensor([3, 0])).groups.tolist() == [1, 0]  # type: ignore[union-attr]
    assert plain.subset(torch.tensor([3, 0])).groups is None
    prints = {
        Dataset("x", ("a", "b"), split, plain).fingerprint
        for split in (plain, grouped, Split(images, labels, groups=torch.tensor([0, 1, 1, 1])))
    }
    assert len(prints) == 3
    # as it was before there were groups
    assert (
        Dataset("x", ("a", "b"), plain, plain).fingerprint
        == "e105a395df0d8d6ba12e95838170d6e26272456f5d59c672425d911b87456e67"
    )
    with pytest.raises(ValueError, match=r"groups must be \(4,\) int64, not \(3,\)"):
        Split(images, labels, groups=torch.tensor([0, 1, 2]))


def test_the_cache_keeps_groups_and_tiles_apart(masked: tuple[dict[str, Any], np.ndarray]) -> None:
    spec, _ = masked
    first, second = load(spec), load(spec)
    assert torch.equal(first.train.groups, second.train.groups)  # type: ignore[arg-type]
    assert load({**spec, "tile": 7}).shape == (3, 7, 7)
    whole = load({"parquet": spec["parquet"]})
    assert (len(whole.train), whole.shape, whole.train.groups) == (3, (3, 23, 35), None)
    assert first.fingerprint == second.fingerprint != whole.fingerprint


@pytest.mark.parametrize(
    ("tile", "message"),
    [(24, r"train\.parquet, row 0 has 23×35 pixels, too few for tiles of 24×24; `tile: 23` is the largest")],
)
def test_too_small_an_image_is_named(tile: int, message: str, masked: tuple[dict[str, Any], np.ndarray]) -> None:
    with pytest.raises(DataError, match=message):
        load({**masked[0], "tile": tile})


def test_a_split_without_a_certain_tile_is_refused(tmp_path: Path) -> None:
    grey = np.full((12, 12), 64, np.uint8)
    train = write(tmp_path / "train.parquet", noise(2, (12, 12)), [grey, grey], [1, 1])
    test = write(tmp_path / "test.parquet", noise(1, (12, 12)), [mask_of(12, 12)], [1])
    with pytest.raises(DataError, match="no train image gives a tile of 12×12 whose class follows from its mask"):
        load({"parquet": {"train": train, "test": test}, "tile": 12})


def test_facts_follow_the_tile() -> None:
    facts = known_facts(parse_spec({"known": "crackforest", "tile": 96, "size": 32}))
    assert facts is not None
    assert (facts.shape, facts.tile, facts.stored) == ((3, 32, 32), 96, (94, 24))
    assert facts.train == round(3177 * 64**2 / 96**2)
    assert known_facts(NamedDataset(known="crackforest", tile=96)).shape == (3, 96, 96)  # type: ignore[union-attr]
    with pytest.raises(DataError, match="tile: Input should be greater than or equal to 4"):
        parse_spec({"known": "crackforest", "tile": 2})
