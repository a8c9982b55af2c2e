"""The parts of a dataset that a trial trains, validates and tests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Sampler

from trainables.datasets.dataset import Dataset, Split
from trainables.datasets.errors import DataError
from trainables.datasets.sampling.balancing import balanced_epoch
from trainables.datasets.sampling.grouping import hold_out
from trainables.datasets.sampling.one_vs_rest import one_vs_rest
from trainables.datasets.sampling.samples import Samples, samples_of
from trainables.datasets.sampling.subsets import draw_subset
from trainables.defects.settings import DefectSettings
from trainables.randomness import stream

SUBSET_SEED = 20261121
"""Seed of the held-out split and of subsets only, so that every replicate and arm sees the same ones.

`split_seed` and `test_subset` choose others."""

LEAST = 2
"""Images of each class that every part must have: a covariance needs them."""


@dataclass(frozen=True)
class Splits:
    """What a trial uses of a dataset; labels are 0 undamaged and 1 damaged, as `classes` names them."""

    train: Samples
    validation: Samples
    test: Samples
    shape: tuple[int, int, int]
    classes: tuple[str, str]
    fingerprint: str
    """The class names of the whole dataset before anything was cut from it."""

    def counts(self) -> dict[str, str]:
        """How many images of each class every part has, in words."""
        parts = {}
        for name, part in (("train", self.train), ("validation", self.validation), ("test", self.test)):
            of = part.labels.bincount(minlength=2).tolist()
            parts[name] = ", ".join(f"{count} {label}" for count, label in zip(of, self.classes, strict=True))
        return parts


def splits(config: DefectSettings, dataset: Dataset, device: Any) -> Splits:
    """Cut a dataset; held-out images come from other source images than the training images, or are those that it
    brings for validation.

    Raises `DataError` for more than two classes of which none is named positive, and for too few images.
    """
    binary = one_vs_rest(dataset, config.positive) if config.positive else dataset
    if len(binary.classes) != 2:
        raise DataError(
            f"dataset {dataset.name} has {len(binary.classes)} classes, not two; say which of "
            f"{', '.join(binary.classes)} count as damaged, such as positive: [{binary.classes[-1]}]"
        )
    try:
        seed = SUBSET_SEED + config.split_seed
        held_in, held_out, rest = hold_out(binary.train, binary.validation, config.validation_fraction, seed)
    except ValueError as error:
        raise DataError(f"dataset {dataset.name}: {error}") from None
    if config.train_size is not None:
        held_out = held_out[: max(2 * LEAST, round(config.validation_fraction * config.train_size))]
    tested = draw_subset(binary.test.labels, config.test_size, config.test_subset, SUBSET_SEED)
    channels, height, breadth = binary.shape
    return Splits(
        train=_samples(config, binary.train, rest[: config.train_size], device),
        validation=_samples(config, held_in, held_out, device),
        test=_samples(config, binary.test, tested, device),
        shape=(1 if config.grey else channels, height, breadth),
        classes=(binary.classes[0], binary.classes[1]),
        fingerprint=dataset.fingerprint,
    )


class BalancedSampler(Sampler[int]):
    """The indices of the epoch set by `set_epoch`: of both classes equally many, or every sample once."""

    def __init__(self, labels: Tensor, seed: int, *, balanced: bool, purpose: str = "order") -> None:
        self.labels, self.seed, self.balanced, self.purpose, self.epoch = labels.cpu(), seed, balanced, purpose, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; called before each pass, as with `DistributedSampler`."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[int]:
        generator = stream(self.seed, self.purpose, self.epoch)
        if self.balanced:
            return iter(balanced_epoch(self.labels, generator).tolist())
        return iter(torch.randperm(len(self), generator=generator).tolist())


def _samples(config: DefectSettings, split: Split, index: Tensor, device: Any) -> Samples:
    labels = split.labels[index]
    counts = labels.bincount(minlength=2).tolist()
    if min(counts) < LEAST:
        raise DataError(
            f"a part of {len(index)} images has {counts[0]} undamaged and {counts[1]} damaged ones; give more images, "
            f"for every part needs {LEAST} of each"
        )
    return samples_of(split, index, labels.to(device), device, grey=config.grey)
