"""The sizes of scale `quick`: what answers within a minute or so on two cores. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trainables.adversarial_training.settings.network import Network


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


QUICK: Mapping[str, Quick] = {
    "mnist": Quick(width=2),
    "fashion_mnist": Quick(width=2),
    # a minute or so each on one thread; guessing gives 10 % of CIFAR-10, STA ends at 23 % under PGD and 19 % in the
    # worst case, MP at 22 % and 18 % (four seeds): more images rather than more epochs were what helped
    "svhn": Quick(image_size=16, train_size=8_000, batch_size=50, epochs=8, epsilon_warmup=2),
    "cifar10": Quick(image_size=16, train_size=8_000, batch_size=50, epochs=8, epsilon_warmup=2),
    "gtsrb": Quick(image_size=20, train_size=3_000, test_size=860, adam_lr=4e-3),
    "tiny_imagenet": Quick(image_size=20, train_size=6_000, batch_size=50, adam_lr=3e-3),
    "digits": Quick(
        train_size=None,
        test_size=None,
        validation_fraction=0.2,
        batch_size=64,
        epochs=12,
        epsilon_warmup=4,
        adam_lr=4e-3,
    ),
}
"""By dataset; `Quick()` for the rest."""


def quick_of(dataset: str | None) -> Quick:
    """The quick sizes of a dataset by its known name; None for one's own."""
    return QUICK.get(dataset or "", Quick())
