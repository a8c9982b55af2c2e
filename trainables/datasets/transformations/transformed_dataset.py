"""A dataset after its transformation."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from trainables.datasets.dataset import Dataset, Split
from trainables.datasets.errors import DataError
from trainables.datasets.transformations.class_choice import choose_classes
from trainables.datasets.transformations.pixels import channel_means, transformed_images
from trainables.datasets.transformations.transformation import Transformation

SEED = 20261121
"""Seed that only chooses which images of a class are kept, so that every replicate and arm has the same ones."""


def transformed(dataset: Dataset, transformation: Transformation) -> Dataset:
    """The dataset with all changes except `separation`, which needs it drawn again; its name states the changes.

    Raises `DataError` if it lacks so many classes.
    """
    changes = transformation.changes
    if not changes:
        return dataset
    if transformation.class_count is not None:
        dataset = with_classes(dataset, transformation)
    if changes.keys() & {"smoothing", "saturation", "contrast"}:
        dataset = with_pixels(dataset, transformation)
    settings = ", ".join(f"{name} {value}" for name, value in changes.items())
    return replace(dataset, name=f"{dataset.name} ({settings})")


def with_classes(dataset: Dataset, transformation: Transformation) -> Dataset:
    """The classes that a transformation chooses, renumbered, each with as many images as the smallest class had."""
    count, distance = transformation.class_count, transformation.class_distance
    assert count is not None
    try:
        choice = choose_classes(dataset.train, count, distance)
    except ValueError as error:
        raise DataError(f"class_count {count} is too large for dataset {dataset.name}: {error}") from None
    names = tuple(dataset.classes[label] for label in choice.labels)
    remark = (
        f"class_count {count} and class_distance {distance} chose classes {', '.join(names)}, "
        f"{choice.distance:.2f} apart on average; all {len(dataset.classes)} are {choice.of_all:.2f}"
    )
    return replace(
        dataset,
        classes=names,
        chosen_from=dataset.classes,
        chosen=choice.labels,
        remarks=(*dataset.remarks, remark),
        train=_of_classes(dataset.train, choice.labels),
        test=_of_classes(dataset.test, choice.labels),
        validation=None if dataset.validation is None else _of_classes(dataset.validation, choice.labels),
    )


def with_pixels(dataset: Dataset, transformation: Transformation) -> Dataset:
    """The dataset with changed pixels, their contrast about the means of its training split."""
    means = channel_means(dataset.train.images, transformation)

    def changed(split: Split) -> Split:
        return replace(split, images=transformed_images(split.images, transformation, means))

    validation = None if dataset.validation is None else changed(dataset.validation)
    return replace(dataset, train=changed(dataset.train), test=changed(dataset.test), validation=validation)


def _of_classes(split: Split, labels: tuple[int, ...]) -> Split:
    """The images of these classes, labelled 0, 1, … in their order."""
    counts = torch.bincount(split.labels)
    smallest = int(counts[counts > 0].min())
    index = torch.cat([_drawn((split.labels == label).nonzero().squeeze(1), smallest) for label in labels])
    members = split.subset(index.sort().values)
    numbers = torch.full((len(counts),), -1, dtype=torch.int64)
    numbers[list(labels)] = torch.arange(len(labels))
    return replace(members, labels=numbers[members.labels])


def _drawn(members: Tensor, count: int) -> Tensor:
    return members[torch.randperm(len(members), generator=torch.Generator().manual_seed(SEED))[:count]]
