"""S3's inter-class variance: the published value, and the definition pair by pair."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import trainables.datasets.stats as stats
from trainables.datasets import Dataset, Split, describe, inter_class_variance, load


def random_split(classes: int = 3, n: int = 12, seed: int = 0) -> Split:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (n, 2, 4, 5), generator=generator, dtype=torch.uint8)
    return Split(images, torch.arange(n) % classes)


def by_definition(split: Split) -> float:
    """Eq. 8 as printed: over ordered pairs of classes, the mean of the matrix of L2 distances."""
    pixels = split.images.double() / 255
    classes = split.labels.unique().tolist()
    means = [
        torch.stack(
            [(x - y).pow(2).sum().sqrt() for x in pixels[split.labels == k] for y in pixels[split.labels == j]]
        ).mean()
        for k in classes
        for j in classes
        if j != k
    ]
    return float(torch.stack(means).mean())


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_it_is_the_printed_equation(classes: int) -> None:
    split = random_split(classes)
    assert inter_class_variance(split, per_class=None) == pytest.approx(by_definition(split), rel=1e-9)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = inter_class_variance(random_split(), per_class=None)
    monkeypatch.setattr(stats, "CHUNK_ELEMENTS", 90)  # two images at a time
    assert inter_class_variance(random_split(), per_class=None) == pytest.approx(whole, rel=1e-12)


def test_a_draw_depends_on_its_seed_alone() -> None:
    split = random_split(n=60)
    assert inter_class_variance(split, 5, seed=1) == inter_class_variance(split, 5, seed=1)
    assert inter_class_variance(split, 5, seed=1) != inter_class_variance(split, 5, seed=2)


def test_one_class_has_no_distance_to_another() -> None:
    assert inter_class_variance(random_split(classes=1)) is None


def test_mnist_has_the_published_value(real_data: Path) -> None:
    described = describe(load("mnist", real_data))
    assert described["inter_class_variance"] == pytest.approx(10.32, abs=0.1)  # S3, Table 3
    expected = {"classes": 10, "train": 60_000, "test": 10_000, "shape": [1, 28, 28]}
    assert {name: described[name] for name in expected} == expected


def test_the_description_is_plain(digits: Dataset) -> None:
    described = json.loads(json.dumps(describe(digits)))
    assert sum(described["train_per_class"]) == described["train"] == 1397
    assert described["class_names"] == list("0123456789")
    assert described["masks"] is False
