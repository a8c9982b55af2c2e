"""The sizes of scale `quick`, with which a trial takes about a minute on two cores. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trainables.adversarial_training.settings.network import Network
from trainables.datasets.registry import KNOWN

SMALL = 32
"""The most pixels a side of images that count as small, as those of MNIST and CIFAR-10."""
TINY = 16


@dataclass(frozen=True)
class Quick:
    """Sizes of data, network and training; all of them are assumed."""

    network: Network = "lenet"
    width: int = 4
    image_size: int | None = None
    train_size: int | None = 5_000
    test_size: int | None = 1_000
    validation_fraction: float = 0.1
    batch_size: int = 100
    epochs: int = 10
    steps: int = 7
    epsilon_warmup: int = 3
    adam_lr: float = 2e-3


def quick_of(dataset: str | None) -> Quick:
    """The quick sizes of a dataset by its known name, as its file or its images' shape say; None for one's own."""
    if dataset is None:
        return Quick()
    known = KNOWN[dataset]
    return usual_quick(known.facts.shape) if known.quick is None else replace(Quick(), **known.quick)


def usual_quick(shape: tuple[int, int, int]) -> Quick:
    """The sizes for other images (C, H, W): those that suit MNIST, CIFAR-10 or Tiny ImageNet."""
    channels, height, width = shape
    side = max(height, width)
    if side > SMALL:
        return Quick(image_size=20)
    if side <= TINY:
        return Quick()
    return Quick(width=2) if channels == 1 else Quick(image_size=16)
