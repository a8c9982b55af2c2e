"""What a trial divides a dataset into: of a handful of images, too, every part can be measured."""

from __future__ import annotations

import pytest
import torch

from trainables import counterfactual_gan as method
from trainables.contract import resolve
from trainables.datasets.dataset import Dataset, Split
from trainables.datasets.errors import DataError
from trainables.defects.splits import Splits, splits


def dataset(count: int) -> Dataset:
    split = Split(torch.zeros(count, 1, 16, 16, dtype=torch.uint8), torch.arange(count) % 2)
    return Dataset("blank", ("plain", "square"), split, split)


def cut(count: int, **given: object) -> Splits:
    return splits(resolve(method, {"image_size": 16, "generator_levels": 2, **given}).config, dataset(count), "cpu")  # type: ignore[arg-type]


def test_of_a_few_images_two_of_each_class_are_held_out() -> None:
    found = cut(100, train_size=8, test_size=6)
    assert found.validation.labels.bincount().tolist() == [2, 2]
    assert found.train.labels.bincount().tolist() == [4, 4]
    assert found.test.labels.bincount().tolist() == [3, 3]


def test_a_part_without_two_of_each_class_is_refused_with_its_counts() -> None:
    with pytest.raises(DataError, match=r"a part of 1 images has . undamaged and . damaged ones; give more images"):
        cut(8)


def test_a_validation_split_is_held_out_and_nothing_of_the_training_split() -> None:
    whole = dataset(20)
    brought = Split(torch.full((6, 1, 16, 16), 7, dtype=torch.uint8), torch.arange(6) % 2)
    config = resolve(method, {"image_size": 16, "generator_levels": 2}).config
    found = splits(config, Dataset("own", whole.classes, whole.train, whole.test, brought), "cpu")  # type: ignore[arg-type]
    assert (len(found.train), len(found.validation)) == (20, 6)
    assert set(found.validation.images.flatten().tolist()) == {7}
