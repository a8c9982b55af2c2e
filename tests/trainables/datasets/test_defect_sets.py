"""Defect sets with names: the development copies, and generated files in the layouts of their authors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.trainables.datasets.encoding import noise
from trainables.datasets import DataError, load
from trainables.datasets.availability import Presence, how_to_get, is_present, look
from trainables.datasets.errors import DataNotFoundError
from trainables.datasets.registry import KNOWN


def development_copy(name: str, root: Path) -> None:
    if not is_present(name, root):
        pytest.skip(f"no {name} in {root}; set SADDLE_TEST_DATA to a folder with it")


@pytest.mark.parametrize(
    ("name", "train", "test"), [("crackforest", (2224, 953), (565, 253)), ("sut_crack", (2820, 846), (724, 195))]
)
def test_crack_photographs_are_cut_into_tiles(
    name: str, train: tuple[int, int], test: tuple[int, int], known_data: Path
) -> None:
    development_copy(name, known_data)
    dataset = load(name, known_data)
    assert (dataset.name, dataset.classes, dataset.shape) == (name, ("no crack", "crack"), (3, 64, 64))
    assert tuple(torch.bincount(dataset.train.labels).tolist()) == train
    assert tuple(torch.bincount(dataset.test.labels).tolist()) == test
    assert (len(dataset.train), len(dataset.test)) == (KNOWN[name].facts.train, KNOWN[name].facts.test)
    found = look(name, known_data)
    assert found is not None
    assert (found.train, found.test) == KNOWN[name].facts.large
    assert found.complete(name)
    for split in (dataset.train, dataset.test):
        assert split.masks is not None
        damaged = (split.masks > 127).float().mean((1, 2))
        assert damaged[split.labels == 1].min() >= 0.01
        assert split.masks[split.labels == 0].max() == 0
        assert split.groups is not None
        assert int(split.groups.diff().min()) >= 0


def test_magnetic_tiles_keep_their_six_classes(known_data: Path) -> None:
    development_copy("magnetic_tile", known_data)
    dataset = load("magnetic_tile", known_data)
    assert (dataset.name, dataset.shape) == ("magnetic_tile (part)", (1, 64, 64))
    assert torch.bincount(dataset.train.labels).tolist() == [320, 92, 68, 46, 26, 82]
    assert dataset.train.masks is not None
    assert dataset.train.groups is not None, "exposures of one tile belong together"
    assert len(set(dataset.train.groups.tolist())) < len(dataset.train) / 2
    # images with a label other than free whose mask is empty can't be cut: it isn't known where they are damaged
    cut = load({"known": "magnetic_tile", "tile": 32}, known_data)
    assert cut.train.groups is not None
    assert cut.train.masks is not None
    assert ((cut.train.masks > 127).flatten(1).any(1) == (cut.train.labels > 0)).all()
    assert 0.9 * len(set(dataset.train.groups.tolist())) < len(set(cut.train.groups.tolist()))
    assert len(set(cut.train.groups.tolist())) <= len(set(dataset.train.groups.tolist()))


def concrete(root: Path, count: int = 5) -> Path:
    """Photographs of 448×700 pixels, each with a crack across its left tiles; one ending in capitals, as there."""
    home = root / "concreteCrackSegmentationDataset"
    (home / "rgb").mkdir(parents=True)
    (home / "BW").mkdir()
    for number in range(count):
        mask = np.zeros((448, 700), np.uint8)
        mask[100:112, :200] = 255
        image = Image.fromarray(noise(1, (448, 700, 3), seed=number)[0])
        image.save(home / "rgb" / f"{number:03d}.{'JPG' if number == 1 else 'jpg'}", quality=50)
        Image.fromarray(mask).save(home / "BW" / f"{number:03d}.jpg", quality=50)
    return home


def test_concrete_cracks_are_split_by_photograph_before_they_are_cut(tmp_path: Path) -> None:
    concrete(tmp_path)
    dataset = load("concrete_cracks", tmp_path)
    assert (dataset.name, dataset.shape) == ("concrete_cracks (part)", (3, 224, 224))
    assert look("concrete_cracks", tmp_path) == Presence("concreteCrackSegmentationDataset/rgb and BW", 4, 1)
    # 2 × 3 tiles; JPEG's noise in the black of a mask makes none of them ambiguous
    assert dataset.train.labels.tolist() == [1, 0, 0, 0, 0, 0] * 4
    assert dataset.train.groups is not None
    assert dataset.train.groups.tolist() == [photograph for photograph in range(4) for _ in range(6)]
    assert len(dataset.test) == 6
    assert dataset.train.masks is not None
    assert dataset.train.masks.unique().tolist() == [0, 255]  # type: ignore[no-untyped-call]
    assert load({"known": "concrete_cracks", "tile": 448, "size": 64}, tmp_path).train.labels.tolist() == [1] * 4


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda home: (home / "BW" / "003.jpg").unlink(), r"rgb.003\.jpg has no counterpart of that name in .*BW"),
        (lambda home: (home / "rgb" / "003.jpg").unlink(), r"BW.003\.jpg has no counterpart of that name in .*rgb"),
        (lambda home: (home / "BW").rename(home / "masks"), r"BW does not exist; the dataset has the folders rgb and"),
        (
            lambda home: Image.new("L", (700, 400)).save(home / "BW" / "003.jpg"),
            r"rgb.003\.jpg has a mask of 400×700 pixels on an image of 448×700",
        ),
    ],
)
def test_a_photograph_needs_its_mask(spoil: Callable[[Path], None], message: str, tmp_path: Path) -> None:
    spoil(concrete(tmp_path))
    with pytest.raises(DataError, match=message):
        load("concrete_cracks", tmp_path)


def apples(root: Path) -> Path:
    """Ten apples of 2010 and four of 2009 as the database names them, the damaged ones red."""
    raw = root / "CASC_IFW" / "Raw image"
    for number in range(14):
        damaged = number % 2 == 1
        folder = ("20090701_fuji_damaged" if damaged else "20090701_fuji_healthy") if number < 4 else None
        folder = folder or ("070110_York_Injured" if damaged else "070110_York_Healthy")
        path = raw / folder / f"{folder}_{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (120, 120), (200 if damaged else 0, 100, number)).save(path)
    return raw


def test_apples_are_labelled_by_their_names(tmp_path: Path) -> None:
    apples(tmp_path)
    dataset = load("casc_ifw", tmp_path)
    assert (dataset.name, dataset.classes, dataset.shape) == ("casc_ifw (part)", ("healthy", "damaged"), (3, 120, 120))
    assert look("casc_ifw", tmp_path) == Presence("CASC_IFW/Raw image", 8, 2)
    for split in (dataset.train, dataset.test):
        assert torch.equal(split.images[:, 0, 0, 0] == 200, split.labels == 1)
        assert int(split.images[:, 2].min()) >= 4, "those of 2009 are left out"
    assert sorted(dataset.test.labels.tolist()) == [0, 1]


def test_apples_may_lie_in_class_folders(tmp_path: Path) -> None:
    for name in ("healthy", "damaged"):
        for number in range(5):
            path = tmp_path / "casc_ifw" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (120, 120), (200 if name == "damaged" else 0, number, 0)).save(path)
    dataset = load("casc_ifw", tmp_path)
    assert torch.equal(dataset.train.images[:, 0, 0, 0] == 200, dataset.train.labels == 1)
    assert look("casc_ifw", tmp_path) == Presence("casc_ifw/CLASS", 8, 2)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            "CASC_IFW/Raw image/a/070110_York_Heathy_1.png",
            "conditions healthy, damaged, injured; did you mean 'healthy'",
        ),
        ("CASC_IFW/Raw image/a/apple.png", "isn't named DATE_CULTIVAR_CONDITION_NUMBER"),
        ("casc_ifw/rotten/1.png", "rotten is not a class of CASC IFW; put Raw image"),
        ("casc_ifw/healthy/1.png", "casc_ifw has no damaged apples"),
        ("CASC_IFW/Raw image/a/20090701_fuji_healthy_1.png", "has no healthy apples of 2010, but 1 of another year"),
    ],
)
def test_apples_of_unknown_condition_are_refused(where: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / where
    path.parent.mkdir(parents=True)
    Image.new("RGB", (120, 120)).save(path)
    with pytest.raises(DataError, match=message):
        load("casc_ifw", tmp_path)


@pytest.mark.parametrize(
    ("name", "hints"),
    [
        ("crackforest", ["crackforest_train.parquet and crackforest_test.parquet"]),
        ("sut_crack", ["sut_crack_train.parquet"]),
        ("magnetic_tile", ["magnetic_tile_train.parquet"]),
        ("concrete_cracks", ["concreteCrackSegmentationDataset/rgb/*.jpg", "BW/*.jpg"]),
        ("casc_ifw", ["CASC_IFW/Raw image", "casc_ifw/healthy and casc_ifw/damaged"]),
    ],
)
def test_an_absent_set_says_what_to_put_where(name: str, hints: list[str], tmp_path: Path) -> None:
    assert look(name, tmp_path) is None
    assert not is_present(name, tmp_path)
    with pytest.raises(DataNotFoundError) as caught:
        load(name, tmp_path)
    for hint in [*hints, name, str(tmp_path), "--data-root", "SADDLE_DATA"]:
        assert hint in str(caught.value)
        assert hint in how_to_get(name, tmp_path)


def test_the_apples_of_2010_are_as_many_as_the_database_says(known_data: Path) -> None:
    development_copy("casc_ifw", known_data)
    dataset = load("casc_ifw", known_data)
    assert dataset.name == "casc_ifw", "a part isn't the whole"
    assert torch.cat([dataset.train.labels, dataset.test.labels]).bincount().tolist() == [2058, 3800]
