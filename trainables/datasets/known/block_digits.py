"""Handwritten digits among blocks without any information, with masks of the digit's block; needs no files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainables.datasets.attack_budget import AttackBudget
from trainables.datasets.auxiliary_tasks.digits import DIGITS
from trainables.datasets.formats.found import Found
from trainables.datasets.formats.tensors import TensorSource
from trainables.datasets.known_dataset import Facts, KnownDataset

if TYPE_CHECKING:
    from trainables.datasets.dataset import Dataset, Split

TRAIN, TEST = 1_397, 400
"""Numbers of images: those of the digits that they are made from, with the same split."""


def find_blocks(root: Path) -> Found:
    """They need no files."""
    from trainables.datasets.synthetic.block_digits import VERSION

    source = TensorSource(
        f"block_digits v{VERSION}", (), lambda: draw_block_digits(root), {"train": TRAIN, "test": TEST}
    )
    return Found(source, "drawn by a program from scikit-learn's digits", source.count)


def draw_block_digits(root: Path | None = None) -> Dataset:
    """1,397 and 400 images of 16×16 pixels with masks, an image for each of the digits."""
    from trainables.datasets.dataset import Dataset
    from trainables.datasets.known.digits import load_digits

    digits = load_digits(root)
    return Dataset("block_digits", DIGITS.classes, _drawn("train", digits.train), _drawn("test", digits.test))


def _drawn(split: str, digits: Split) -> Split:
    import numpy as np
    import torch

    from trainables.datasets.dataset import Split
    from trainables.datasets.synthetic.block_digits import draw_blocks

    pixels = digits.images[:, 0].numpy()
    images, masks = zip(*(draw_blocks(split, number, pixels) for number in range(len(pixels))), strict=True)
    return Split(torch.from_numpy(np.stack(images)).unsqueeze(1), digits.labels, torch.from_numpy(np.stack(masks)))


BLOCK_DIGITS = KnownDataset(
    name="block_digits",
    facts=Facts(
        title="Handwritten digits among blocks without information, with masks of the digit's block; drawn by a "
        "program",
        shape=(1, 16, 16),
        classes=DIGITS.classes,
        train=TRAIN,
        test=TEST,
    ),
    find=find_blocks,
    load=draw_block_digits,
    bundled=True,
    tasks=DIGITS,
    attack=AttackBudget(
        0.08,
        0.016,
        10,
        20,
        "assumed",
        "half of that of the digits it is made of, at which a small network still learns",
    ),
    quick={
        "train_size": None,
        "test_size": None,
        "validation_fraction": 0.2,
        "batch_size": 64,
        "epochs": 20,
        "epsilon_warmup": 6,
        "adam_lr": 4e-3,
    },
)
