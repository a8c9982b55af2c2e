"""GTSRB's tracks: no physical sign is on both sides of the held-out split, whatever form the images come in."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from tests.trainables.datasets import layouts
from trainables import adversarial_training
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.data import splits
from trainables.contract import InProcessRun
from trainables.datasets import DataError, Dataset, load
from trainables.datasets.cache import node_cache as cache
from trainables.datasets.cache.space import cache_root
from trainables.datasets.known.gtsrb import track_of
from trainables.datasets.known.magnetic_tile import exposure_groups
from trainables.datasets.sampling.grouping import cut_by_class, hold_out
from trainables.evaluation.grouped_interval import grouped_wilson

TRACKS, FRAMES = 4, 6
Row = tuple[int, int, int]
"""Label, track and frame."""
TRAINING: list[Row] = [
    (label, track, frame) for label in range(43) for track in range(TRACKS) for frame in range(FRAMES)
]


def png(value: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (value % 256, value // 256, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def with_source(rows: list[Row]) -> dict[str, list[object]]:
    names = [f"owner/name:gtsrb/{label}/{track:05d}_{frame:05d}.ppm" for label, track, frame in rows]
    return {"image": [png(label) for label, _, _ in rows], "source": [*names]}


def with_paths(rows: list[Row]) -> dict[str, list[object]]:
    return {"image": [{"bytes": png(label), "path": f"{label:05d}_{t:05d}_{f:05d}.png"} for label, t, f in rows]}


def with_groups(rows: list[Row]) -> dict[str, list[object]]:
    return {"image": [png(label) for label, _, _ in rows], "group": [100 * label + track for label, track, _ in rows]}


def write_parquet(root: Path, columns: Callable[[list[Row]], dict[str, list[object]]]) -> None:
    shuffled = [TRAINING[index] for index in torch.randperm(len(TRAINING), generator=torch.Generator().manual_seed(0))]
    tests = [(label, 50 + track, frame) for label in range(3) for track in range(2) for frame in range(3)]
    for split, rows in (("train", shuffled), ("test", tests)):
        table = pa.table(columns(rows) | {"label": [label for label, _, _ in rows]})
        pq.write_table(table, root / f"gtsrb_{split}.parquet")


def write_folders(root: Path, training: str) -> None:
    layouts.gtsrb(root, training, name_of=lambda number: f"{number // FRAMES:05d}_{number % FRAMES:05d}", per_class=24)


FORMS: dict[str, Callable[[Path], None]] = {
    "authors": lambda root: write_folders(root, "Final_Training/Images"),
    "torchvision": lambda root: write_folders(root, "Training"),
    "source": lambda root: write_parquet(root, with_source),
    "paths": lambda root: write_parquet(root, with_paths),
    "groups": lambda root: write_parquet(root, with_groups),
}


def leaked(dataset: Dataset, train_size: int | None) -> tuple[int, int, int]:
    """Validation images whose track is trained on, validation images, and classes that are validated."""
    used = splits(Config(dataset="gtsrb", train_size=train_size), dataset, "cpu")
    assert used.validation.groups is not None
    assert used.train.groups is not None
    shared = torch.isin(used.validation.groups, used.train.groups)
    return int(shared.sum()), len(used.validation), len(used.validation.labels[:, 0].unique())


@pytest.mark.parametrize("size", [None, 16])
@pytest.mark.parametrize("form", FORMS)
def test_no_validation_image_shows_a_sign_that_is_trained_on(form: str, size: int | None, tmp_path: Path) -> None:
    FORMS[form](tmp_path)
    dataset = load({"known": "gtsrb", "size": size} if size else "gtsrb", tmp_path)
    assert dataset.train.groups is not None
    assert len(dataset.train.groups.unique()) == 43 * TRACKS
    for train_size in (None, 500, 100):
        shared, validated, classes = leaked(dataset, train_size)
        assert shared == 0
        assert validated == round(0.1 * (train_size or len(TRAINING)))
        assert classes == min(43, validated)


def test_test_images_belong_to_tracks_only_where_the_files_say_so(tmp_path: Path) -> None:
    (tmp_path / "official").mkdir()
    (tmp_path / "parquet").mkdir()
    FORMS["authors"](tmp_path / "official")
    FORMS["source"](tmp_path / "parquet")
    assert load("gtsrb", tmp_path / "official").test.groups is None, "they are numbered at random"
    dataset = load("gtsrb", tmp_path / "parquet")
    assert dataset.test.groups is not None
    assert len(dataset.test.groups.unique()) == 6
    assert dataset.train.groups is not None
    assert not torch.isin(dataset.test.groups, dataset.train.groups).any()


def test_tracks_that_cannot_be_known_are_remarked_on(tmp_path: Path) -> None:
    layouts.gtsrb(tmp_path)
    dataset = load("gtsrb", tmp_path)
    assert dataset.train.groups is None
    assert dataset.remarks[0].endswith("validation images may show the same things as training images")


def test_a_cache_of_an_earlier_format_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FORMS["source"](tmp_path)
    monkeypatch.setattr(cache, "FORMAT", 1)
    load({"known": "gtsrb", "size": 16}, tmp_path)
    before = {path.name for path in cache_root().iterdir() if path.is_dir()}
    monkeypatch.undo()
    assert cache.FORMAT > 1
    load({"known": "gtsrb", "size": 16}, tmp_path)
    assert len({path.name for path in cache_root().iterdir() if path.is_dir()} - before) == 1


@pytest.mark.parametrize(
    ("name", "track"),
    [
        ("00003_00029.ppm", "class 7, track 00003"),
        ("gtsrb/7/00003_00029.ppm", "class 7, track 00003"),
        ("Train\\7\\00007_00003_00029.png", "class 7, track 00003"),
        ("owner/name:gtsrb/7/00003_00029.ppm", "class 7, track 00003"),
        ("00029.ppm", None),
        ("sign_00003_00029x.ppm", None),
    ],
)
def test_the_track_is_read_from_the_name_of_the_file(name: str, track: str | None) -> None:
    assert track_of(7, name) == track


def test_every_class_with_several_groups_is_on_both_sides() -> None:
    labels = torch.tensor([0] * 30 + [1] * 30 + [2] * 300)
    groups = torch.arange(360) // 15  # classes of 2, 2 and 20 groups
    held, rest = cut_by_class(labels, groups, 0.1, 3)
    assert sorted([*held.tolist(), *rest.tolist()]) == list(range(360))
    assert labels[held].bincount().tolist() == [15, 15, 30]
    assert not torch.isin(groups[held], groups[rest]).any()


def test_the_development_copy_leaks_nothing(known_data: Path) -> None:
    if not (known_data / "gtsrb_train.parquet").exists():
        pytest.skip("no development copy of GTSRB")
    dataset = load({"known": "gtsrb", "size": 16}, known_data)
    for train_size in (None, 3000, 1000):
        shared, _, classes = leaked(dataset, train_size)
        assert (shared, classes) == (0, 43)
    assert dataset.train.groups is not None
    assert dataset.test.groups is not None
    assert not torch.isin(dataset.test.groups, dataset.train.groups).any()
    validation, held, rest = hold_out(dataset.train, None, 0.1, 1)
    assert not torch.isin(validation.groups[held], validation.groups[rest]).any()  # type: ignore[index]


def test_a_test_report_has_the_groups_and_an_interval_by_group(tmp_path: Path) -> None:
    FORMS["source"](tmp_path)
    given = {"dataset": "gtsrb", "image_size": 16, "network": "lenet", "width": 1, "epochs": 1, "train_size": 60}
    config, run = Config(**given, attack_steps=1, steps=1), InProcessRun(data_root=str(tmp_path))
    *_, last = adversarial_training.train(config, run)
    tested = adversarial_training.evaluate(config, last.state, run)
    groups = torch.from_numpy(tested.arrays["groups"])
    assert tested.metrics["test/groups"] == len(groups.unique()) == 6
    right = torch.from_numpy(tested.arrays["predictions.clean"] == tested.arrays["labels"])
    right &= torch.from_numpy(tested.arrays["predictions.worst_case"] == tested.arrays["labels"])
    low, high = (tested.metrics[f"test/robust_accuracy.worst_case_{end}"] for end in ("low", "high"))
    assert (low, high) == pytest.approx(grouped_wilson(right, groups))
    assert set(tested.metrics) <= set(adversarial_training.METRICS)


def write_own(root: Path, column: str, groups: dict[str, list[Any]]) -> dict[str, str]:
    """Grey and red images in groups, a file for each split."""
    for split, names in groups.items():
        rows = [(index % 2, index, 0) for index in range(len(names))]
        images = [png(40 * label + index) for label, index, _ in rows]
        table = pa.table({"image": images, "label": [label for label, _, _ in rows], column: names})
        pq.write_table(table, root / f"{split}.parquet")
    return {split: str(root / f"{split}.parquet") for split in groups}


@pytest.mark.parametrize("column", ["group", "patient"])
def test_ones_own_images_name_their_groups(column: str, tmp_path: Path) -> None:
    patients = [f"p{index // 6}" for index in range(60)]
    files = write_own(tmp_path, column, {"train": patients, "test": ["p3", "q1", "q1", None, None, "q2"]})
    spec = {"parquet": files | ({} if column == "group" else {"group": column})}
    dataset = load(spec)
    assert dataset.train.groups is not None
    assert len(dataset.train.groups.unique()) == 10
    assert dataset.test.groups is not None
    assert len(dataset.test.groups.unique()) == 5, "an image without a group is one of its own"
    [remark] = [one for one in dataset.remarks if "trained on" in one]
    assert "1 of 6 test images belong to groups that are trained on, too (1 of 3 groups, such as 'p3')" in remark
    used = splits(Config(dataset=spec), dataset, "cpu")
    assert used.validation.groups is not None
    assert not torch.isin(used.validation.groups, used.train.groups).any()  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"has no column 'patients'; (did you mean 'patient'|choose from)"):
        load({"parquet": files | {"group": "patients"}})


def test_groups_are_integers_or_text(tmp_path: Path) -> None:
    files = write_own(tmp_path, "group", {"train": [0.5] * 8, "test": [0.5] * 8})
    with pytest.raises(DataError, match="column 'group' must hold integers or text, not double"):
        load({"parquet": files})


def test_exposures_of_one_magnetic_tile_belong_together() -> None:
    names = [(1, f"a/exp{e}_num_{n}.jpg") for e, n in ((3, 100), (4, 112), (1, 130), (3, 150), (4, 170), (1, 400))]
    shuffled = [names[index] for index in (5, 2, 0, 4, 3, 1)]
    groups = dict(zip([name for _, name in shuffled], exposure_groups(shuffled), strict=True))
    assert [groups[name] for _, name in names] == [f"class 1, tile from {n}" for n in (100, 100, 100, 150, 150, 400)]
    assert exposure_groups([(1, "other.jpg"), (None, "exp1_num_1.jpg"), (0, None)]) == [None] * 3


def test_magnetic_tiles_are_held_out_whole_and_those_tested_on_are_remarked_on(known_data: Path) -> None:
    if not (known_data / "magnetic_tile_train.parquet").exists():
        pytest.skip("no development copy of the magnetic tiles")
    dataset = load({"known": "magnetic_tile", "size": 32}, known_data)
    [remark] = dataset.remarks
    assert "test images belong to groups that are trained on, too" in remark
    held_in, held, rest = hold_out(dataset.train, dataset.validation, 0.1, 1)
    assert held_in.groups is not None
    assert len(held_in.groups.unique()) < 0.5 * len(held_in)
    assert not torch.isin(held_in.groups[held], held_in.groups[rest]).any()


@pytest.mark.parametrize("split", [True, False])
def test_a_folders_groups_are_in_the_names_of_its_files(split: bool, tmp_path: Path) -> None:
    for part in ("train", "test") if split else (".",):
        for label in range(2):
            for index in range(60):
                file = tmp_path / "own" / part / f"c{label}" / f"{part.strip('.')}t{index // 6}_{index % 6}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(png(60 * label + index))
    spec = {"folder": str(tmp_path / "own"), "group": "(.*)_"}
    dataset = load(spec)
    assert dataset.train.groups is not None
    assert dataset.test.groups is not None
    assert len(dataset.train.groups.unique()) == (20 if split else 16)
    assert not torch.isin(dataset.test.groups, dataset.train.groups).any()
    used = splits(Config(dataset=spec), dataset, "cpu")
    assert not torch.isin(used.validation.groups, used.train.groups).any()  # type: ignore[arg-type]
    assert load({"folder": spec["folder"]}).train.groups is None
    with pytest.raises(DataError, match="not a regular expression"):
        load(spec | {"group": "(.*_"})
