"""Test images of another dataset with the same classes, in the shape of the network's images."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.data import SUBSET_SEED, task_labels, tasks_of
from trainables.contract import Run
from trainables.datasets.config import dataset_of, with_size
from trainables.datasets.dataset import Dataset, Split
from trainables.datasets.errors import DataError
from trainables.datasets.sampling.grey import to_grey
from trainables.datasets.sampling.samples import Samples, samples_of
from trainables.datasets.sampling.subsets import draw_subset


def shifted_samples(config: Config, run: Run) -> Samples:
    """The first `test_size` test images of `shift_dataset`, in the size and channels that the network is trained on.

    Raises `DataError` if its classes differ from the dataset's.
    """
    own = run.data(dataset_of(config))
    channels, height, width = own.shape
    other = run.data(config.shift_dataset)
    if other.shape[1:] != (height, width):
        other = run.data(with_size(config.shift_dataset, (height, width)))
    _require_alike(own, other, config)
    test = other.test
    if test.images.shape[1] != channels:
        test = Split(_in_channels(test.images, channels), test.labels, test.masks, test.groups)
    chosen = draw_subset(test.labels, config.test_size, config.test_subset, SUBSET_SEED)
    return samples_of(test, chosen, task_labels(test.labels[chosen], tasks_of(config, own)), run.device)


def _require_alike(own: Dataset, other: Dataset, config: Config) -> None:
    if own.classes != other.classes:
        raise DataError(
            f"shift_dataset {other.name} has other classes than {own.name}: {_some(other.classes)}, not "
            f"{_some(own.classes)}; a shift of domain needs the same ones, as mnist and digits have"
        )


def _some(classes: tuple[str, ...]) -> str:
    return ", ".join(classes[:4]) + (", …" if len(classes) > 4 else "")


def _in_channels(images: Tensor, channels: int) -> Tensor:
    """Images (N, 1 or 3, H, W) uint8 in three channels or one."""
    if channels == 3:
        return images.expand(-1, 3, -1, -1).contiguous()
    return (255 * to_grey(images.to(torch.float32) / 255)).round().to(torch.uint8)
