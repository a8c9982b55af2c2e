"""What is measured of a trial's data, against plain numpy pair by pair."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from trainables import adversarial_training
from trainables.adversarial_training.data import splits
from trainables.contract import InProcessRun, resolve
from trainables.datasets import Dataset, load
from trainables.datasets.config import dataset_of

Array = np.ndarray[Any, Any]


class OwnRun(InProcessRun):
    """A run whose data are a given dataset."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__()
        self.dataset = dataset

    def data(self, name: Any) -> Dataset:
        return self.dataset


def configured(**given: Any) -> Any:
    return resolve(adversarial_training, given).config


def training_images(config: Any) -> tuple[Array, Array]:
    """Pixels (N, d) and labels of the images that a trial trains on."""
    train = splits(config, InProcessRun().data(dataset_of(config)), "cpu").train
    return train.images.flatten(1).numpy() / 255, train.labels[:, 0].numpy()


def pair_distances(images: Array, order: float) -> Array:
    return np.stack([np.linalg.norm(images - image, order, axis=1) for image in images])


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"image_size": 12, "contrast": 0.5},
        {"class_count": 4, "epsilon_scaled_with": "contrast", "contrast": 0.7},
    ],
)
def test_every_measure_is_its_definition(given: dict[str, Any]) -> None:
    config = configured(train_size=150, **given)
    measures = adversarial_training.data_measures(config, InProcessRun())
    images, labels = training_images(config)
    classes, l2 = sorted(set(labels.tolist())), pair_distances(images, 2)
    inter = np.mean([l2[np.ix_(labels == k, labels == j)].mean() for k in classes for j in classes if j > k])
    sizes = {k: int((labels == k).sum()) for k in classes}
    intra = np.mean(
        [l2[np.ix_(labels == k, labels == k)].sum() / (sizes[k] * (sizes[k] - 1)) for k in classes if sizes[k] > 1]
    )
    means = {k: images[labels == k].mean(0) for k in classes}
    between = sum(sizes[k] * ((means[k] - images.mean(0)) ** 2).sum() for k in classes)
    within = sum(((images[labels == k] - means[k]) ** 2).sum() for k in classes)
    nearest = np.where(labels[:, None] == labels[None], np.inf, pair_distances(images, np.inf)).min(1)
    epsilon = config.attack_epsilon * (config.contrast if given.get("epsilon_scaled_with") else 1)
    expected = {
        "inter_class_variance": inter,
        "per_sqrt_d": inter / math.sqrt(images.shape[1]),
        "inter_intra": inter / intra,
        "fisher": between / within,
        "nearest_linf_over_2epsilon": nearest.mean() / (2 * epsilon),
        "dimension": images.shape[1],
        "log_dimension": math.log(images.shape[1]),
        "classes": len(classes),
        "images": 150,
    }
    assert measures == pytest.approx(expected, rel=1e-9)
    assert list(measures) == list(adversarial_training.DATA_MEASURES)


def test_what_is_not_defined_is_left_out(digits: Dataset) -> None:
    flat = replace(digits.train, images=digits.train.labels.to(digits.train.images.dtype)[:, None, None, None] * 20)
    run = OwnRun(replace(digits, train=flat))
    measures = adversarial_training.data_measures(configured(attack_epsilon=0.0, network="resnet18"), run)
    assert {"fisher", "inter_intra", "nearest_linf_over_2epsilon"} & set(measures) == set()
    assert measures["dimension"] == 1.0


def test_no_more_images_of_a_class_are_looked_at_than_are_declared(digits: Dataset) -> None:
    """5,000 of all: on a copy of the digits of 50 times as many images, 500 of each class."""
    whole = adversarial_training.data_measures(configured(), OwnRun(digits))
    index = np.tile(np.arange(len(digits.train)), 50)
    large = replace(digits, train=digits.train.subset(load("digits").train.labels.new_tensor(index)))
    again = adversarial_training.data_measures(configured(), OwnRun(large))
    assert again["images"] > 50_000
    assert again["inter_class_variance"] == pytest.approx(whole["inter_class_variance"], rel=0.02)
