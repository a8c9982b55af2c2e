"""`saddle data`: what is here and how much of it, named tasks, and statistics with sample, ε and published value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.trainables.datasets import layouts
from trainables.datasets.registry import KNOWN


def test_a_part_is_listed_as_a_part(saddle, tmp_path: Path) -> None:
    layouts.cifar_binary(tmp_path, *layouts.cifar_images())
    (tmp_path / "tiny-imagenet-200").mkdir()
    rows = {row["name"]: row for row in json.loads(saddle("data", "list", "--data-root", tmp_path, "--json").stdout)}
    assert list(rows) == list(KNOWN)
    cifar = rows["cifar10"]
    assert (cifar["present"], cifar["complete"], cifar["train_here"], cifar["train"]) == (True, False, 15, 50_000)
    assert (rows["digits"]["complete"], rows["svhn"]["present"]) == (True, False)
    assert not rows["tiny_imagenet"]["present"]
    assert "has no *.JPEG" in rows["tiny_imagenet"]["problem"]
    shown = saddle("data", "list", "--data-root", tmp_path).stdout
    assert "15 of 50,000" in shown
    assert "cifar-10-batches-bin" in shown


def test_tasks_are_listed_and_shown_class_by_class(saddle) -> None:
    rows = json.loads(saddle("data", "tasks", "--json").stdout)
    found = next(row for row in rows if row["dataset"] == "gtsrb" and row["task"] == "character_symbol")
    assert found["labels"] == {"symbol": 33, "character": 10}
    shown = saddle("data", "tasks", "cifar10").stdout
    assert "land_sky_water: 0 land, 1 sky, 2 water" in shown
    assert "many pictures show it on land" in shown
    everything = json.loads(saddle("data", "tasks", "tiny_imagenet", "--json").stdout)
    assert len(everything["classes"]) == 200
    assert everything["classes"][0]["class"] == "n01443537"
    assert "{my_task: {Ankle boot: 1, default: 0}}" in saddle("data", "tasks", "fashion_mnist").stdout


def test_statistics_say_what_they_were_taken_over(saddle) -> None:
    arguments = ("data", "stats", "digits", "--size", "6", "--per-class", "20", "--seed", "3")
    facts = json.loads(saddle(*arguments, "--epsilon", "8/255", "--json").stdout)
    assert facts["sample"] == {"images": 200, "per_class": 20, "seed": 3}
    assert facts["shape"] == [1, 6, 6]
    assert facts["epsilon"] == pytest.approx(8 / 255)
    shown = saddle(*arguments).stdout
    assert "200 training images, at most 20 of each class, seed 3" in shown
    assert "ε = 0.15, adversarial_training's for digits: assumed" in shown


def test_the_published_value_stands_beside_ours(saddle, tmp_path: Path) -> None:
    layouts.cifar_binary(tmp_path, *layouts.cifar_images())
    shown = saddle("data", "stats", "cifar10", "--size", "16", "--data-root", tmp_path).stdout
    assert "S3, Table 3: 19.06 published" in shown
    assert "the published value fits 32×32; these are a part of the images" in shown
