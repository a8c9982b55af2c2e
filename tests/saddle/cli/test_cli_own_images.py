"""Images of one's own on S3 and in the node's cache, as the command line shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.s3 import S3
from tests.trainables.datasets.encoding import noise, png, write_parquet
from trainables.datasets import load


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SADDLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "datasets"


def test_the_cache_is_listed_and_cleared(saddle: Any, tmp_path: Path, own_cache: Path) -> None:
    assert f"the cache {own_cache} is empty" in saddle("data", "cache").stdout
    path = str(write_parquet(tmp_path / "letters.parquet", noise(9)))
    held = load({"parquet": {"train": path, "test": path}})
    [row] = json.loads(saddle("data", "cache", "--json").stdout)
    assert (row["name"], row["images"], row["shape"], row["in_use"]) == ("letters", 18, [1, 8, 6], True)
    assert row["source"]["parquet"]["train"] == path
    assert "removed 0 of 1" in saddle("data", "cache", "--clear").stdout
    shown = saddle("data", "cache").stdout
    assert "letters" in shown
    assert "GB it may have" in shown
    assert held.train.images.numel()
    del held
    assert "removed 1 of 1" in saddle("data", "cache", "--clear").stdout
    assert json.loads(saddle("data", "cache", "--json").stdout) == []


def test_images_on_s3_are_described(saddle: Any, tmp_path: Path, own_cache: Path, s3: S3) -> None:
    bucket = s3.bucket()
    s3.client().upload_file(str(write_parquet(tmp_path / "a.parquet", noise(9))), bucket, "a.parquet")
    address = f"s3://{bucket}/a.parquet"
    described = saddle("data", "stats", "--parquet", address, address, "--size", "5", "--json")
    assert (json.loads(described.stdout)["shape"], json.loads(described.stdout)["train"]) == ([1, 5, 5], 9)
    absent = saddle("data", "stats", f"s3://{bucket}/nowhere")
    assert absent.exit_code == 2
    assert f"dataset folder s3://{bucket}/nowhere does not exist" in absent.stderr


def fill(root: Path, *folders: str) -> None:
    for seed, name in enumerate(folders):
        (root / name).mkdir(parents=True)
        for index, image in enumerate(noise(6, seed=seed)):
            (root / name / f"{index}.png").write_bytes(png(image))


SPLITS = ("Training/cat", "Training/dog", "Training/cow", "Testing/cat", "Testing/dog", "val/cat")


def test_statistics_show_every_class_in_every_split(saddle: Any, tmp_path: Path, own_cache: Path) -> None:
    fill(tmp_path / "own", *SPLITS)
    shown = saddle("data", "stats", tmp_path / "own").stdout
    rows = [line.split() for line in shown.splitlines()]
    assert ["class", "train", "images", "validation", "images", "test", "images"] in rows
    assert ["cow", "6", "0", "0"] in rows
    assert ["cat", "6", "6", "6"] in rows
    said = " ".join(shown.split())
    assert f"train: {tmp_path}/own/Training; validation: {tmp_path}/own/val; test: {tmp_path}/own/Testing" in said
    assert "note: the test split has no images of class 'cow'" in said
    plain = json.loads(saddle("data", "stats", tmp_path / "own", "--json").stdout)
    assert (plain["validation"], plain["validation_per_class"]) == (6, [6, 0, 0])
    assert "the validation split has no images of classes 'cow', 'dog'" in plain["remarks"]
    digits = " ".join(saddle("data", "stats", "digits").stdout.split())
    assert "train: as published; test: as published; validation: held out of train by each trainable" in digits


def test_a_dataset_is_described_as_in_a_study_file(saddle: Any, tmp_path: Path, own_cache: Path) -> None:
    fill(tmp_path / "own", *SPLITS)
    described = saddle("data", "stats", f"{{folder: {tmp_path}/own, size: 5, background: [0, 0, 0]}}", "--json")
    assert json.loads(described.stdout)["shape"] == [1, 5, 5]
    for text, message in (("{folder: [", "describes no dataset"), ("{folder: a, backgrund: 1}", "backgrund")):
        wrong = saddle("data", "stats", text)
        assert wrong.exit_code == 2
        assert message in wrong.stderr


STUDY = """\
study: own
trainable: adversarial_training
fixed: {{dataset: {{folder: {folder}}}, epochs: 1, batch_size: 5}}
ablation: {{factors: {{lr: [0.01, 0.001]}}, seeds: 3}}
"""


def test_a_plan_looks_at_images_as_a_run_does(saddle: Any, tmp_path: Path, own_cache: Path) -> None:
    root = tmp_path / "own"
    fill(root, *SPLITS)
    study = tmp_path / "study.yaml"
    study.write_text(STUDY.format(folder=root))
    [plan] = json.loads(saddle("plan", study, "--json").stdout)
    assert "dataset own: the test split has no images of class 'cow'" in plan["notes"]
    for name in ("Training/cat/1.png", "Testing/dog/2.png"):
        (root / name).write_bytes(b"rubbish")
    planned, ran = saddle("plan", study), saddle("run", study, "--no-mlflow")
    assert planned.exit_code == ran.exit_code == 2
    assert planned.stderr == ran.stderr
    assert "Training/cat/1.png is not an image" in planned.stderr
    assert "Testing/dog/2.png is not an image" in planned.stderr
    study.write_text(STUDY.format(folder=tmp_path / "nowhere"))
    [plan] = json.loads(saddle("plan", study, "--json").stdout)
    assert any(note.startswith(f"dataset folder {tmp_path}/nowhere does not exist; ") for note in plan["notes"])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("background: gray", "fixed.dataset.background: 'gray' is not known; known are: white, black"),
        ("range: [9, 5]", "fixed.dataset.range: the range [9.0, 5.0] is empty; write [LOW, HIGH], such as [0, 4095]"),
        ("backgrund: white", "fixed.dataset.backgrund: unknown key 'backgrund'; known are: "),
    ],
)
def test_a_wrong_option_of_a_dataset_is_named(saddle: Any, tmp_path: Path, option: str, message: str) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(STUDY.format(folder=f"own, {option}"))
    assert message in saddle("plan", study).stderr
