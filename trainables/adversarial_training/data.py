"""The parts of a dataset that a trial trains, validates and tests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from trainables.adversarial_training.config import Config
from trainables.datasets.auxiliary_tasks.tasks import Task, resolve_task, restrict_task
from trainables.datasets.dataset import Dataset, Split
from trainables.datasets.errors import DataError
from trainables.datasets.sampling.folds import cut_fold
from trainables.datasets.sampling.grouping import hold_out
from trainables.datasets.sampling.samples import Samples, samples_of
from trainables.datasets.sampling.subsets import draw_subset

SUBSET_SEED = 20261121
"""Seed of the held-out split and of subsets only, so that every replicate and arm sees the same ones.

`split_seed` and `test_subset` choose others."""


@dataclass(frozen=True)
class Splits:
    """What a trial uses of a dataset."""

    train: Samples
    validation: Samples
    test: Samples
    shape: tuple[int, int, int]
    classes: tuple[int, ...]
    """Class counts per task, the main one's first."""


def splits(config: Config, dataset: Dataset, device: Any) -> Splits:
    """Cut a dataset: held-out and training images from its training split, test images from its test split.

    Held out are `validation_fraction` × (`train_size`, or the whole split) images; training images come from the rest,
    none of them from a group (a track, a larger image) that has a held-out image.
    With `folds` the held-out images are one fold of `train_size` images, and training images the other folds. Otherwise
    a dataset with a validation split has it held out: all of it, or `validation_fraction` × `train_size` images.
    """
    if len(dataset.classes) < 2:
        raise DataError(
            f"dataset {dataset.name} has one class, {dataset.classes[0]!r}; there is nothing to distinguish"
        )
    tasks = tasks_of(config, dataset)
    tested = draw_subset(dataset.test.labels, config.test_size, config.test_subset, SUBSET_SEED)
    shape, classes = dataset.shape, (len(dataset.classes), *(task.classes for task in tasks))
    if config.folds is not None:
        held, training = cut_fold(
            dataset.train, config.folds, config.fold, SUBSET_SEED + config.split_seed, config.train_size
        )
        train, fold = (_samples(dataset.train, index, tasks, device) for index in (training, held))
        return Splits(train, fold, _samples(dataset.test, tested, tasks, device), shape, classes)
    available = len(dataset.train)
    held_out = max(1, round(config.validation_fraction * min(config.train_size or available, available)))
    if dataset.validation is None and held_out >= available:
        raise DataError(f"dataset {dataset.name} has {available} training images, too few to hold out {held_out}")
    # in whole groups where there are any: tiles of one image on both sides would flatter the validation; of tracks, few
    # frames each of many say more than all frames of a few
    seed, pool = SUBSET_SEED + config.split_seed, config.validation_fraction
    held_in, validation, training = hold_out(dataset.train, dataset.validation, held_out / available, seed, pool=pool)
    if dataset.validation is not None and config.train_size is not None:
        validation = validation[: max(1, round(config.validation_fraction * config.train_size))]
    return Splits(
        train=_samples(dataset.train, training[: config.train_size], tasks, device),
        validation=_samples(held_in, validation, tasks, device),
        test=_samples(dataset.test, tested, tasks, device),
        shape=shape,
        classes=classes,
    )


def tasks_of(config: Config, dataset: Dataset) -> list[Task]:
    """The auxiliary tasks on a dataset; if its classes were chosen from more, the tasks of all, restricted to these.

    Raises `DataError` for a task that gives all chosen classes one label.
    """
    if not dataset.chosen:
        return [resolve_task(name, labels, dataset.classes) for name, labels in config.tasks.items()]
    whole = [resolve_task(name, labels, dataset.chosen_from) for name, labels in config.tasks.items()]
    return [restrict_task(task, dataset.chosen, dataset.classes) for task in whole]


def task_labels(labels: Tensor, tasks: list[Task]) -> Tensor:
    """Labels of all tasks, (N, 1 + M) int64, the main one's first, from the main labels (N,)."""
    return torch.stack([labels, *(torch.tensor(task.labels)[labels] for task in tasks)], dim=1)


def _samples(split: Split, index: Tensor, tasks: list[Task], device: Any) -> Samples:
    return samples_of(split, index, task_labels(split.labels[index], tasks), device)
