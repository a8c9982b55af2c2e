"""The sizes of scale `quick`: what answers within minutes on two cores. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quick:
    """Sizes of data, networks and training that were seen to work (methods.md, 9); all of them are assumed."""

    image_size: int = 32
    grey: bool = True
    train_size: int = 1_000
    test_size: int = 400
    generator_width: int = 16
    discriminator_width: int = 16
    epochs: int = 8
    batch_size: int = 32
    lr: float = 1e-3
    average: float = 0.97
    judge_epochs: int = 12
    swin_width: int = 24
    """A multiple of 24, because a stage's heads divide it."""


QUICK = Quick()
