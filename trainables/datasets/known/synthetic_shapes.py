"""Shapes with an adjustable distance from each other, drawn when they are loaded: they need no files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainables.datasets.auxiliary_tasks.class_tables import class_table
from trainables.datasets.formats.found import Found
from trainables.datasets.formats.tensors import TensorSource
from trainables.datasets.known_dataset import Facts, KnownDataset

if TYPE_CHECKING:
    from trainables.datasets.dataset import Dataset, Split

CLASSES = ("bar", "cross", "disc", "frame", "pillar", "ring", "square", "triangle")
TRAIN, TEST = 2_000, 400


def find_shapes(root: Path) -> Found:
    """They need no files."""
    from trainables.datasets.synthetic.shapes import VERSION

    # the name is the key of the cache of their resized images
    source = TensorSource(f"synthetic_shapes v{VERSION}", (), draw_shapes, {"train": TRAIN, "test": TEST})
    return Found(source, "drawn by a program", source.count)


def draw_shapes(separation: float = 1.0) -> Dataset:
    """2,000 and 400 images of 16×16 pixels of eight shapes that stand out by `separation`, from 0 to 1."""
    from trainables.datasets.dataset import Dataset

    return Dataset("synthetic_shapes", CLASSES, _drawn("train", TRAIN, separation), _drawn("test", TEST, separation))


def _drawn(split: str, count: int, separation: float) -> Split:
    import numpy as np
    import torch

    from trainables.datasets.dataset import Split
    from trainables.datasets.synthetic.shapes import draw_shape

    images = np.stack([draw_shape(split, number, separation) for number in range(count)])
    return Split(torch.from_numpy(images).unsqueeze(1), torch.arange(count) % len(CLASSES))


SYNTHETIC_SHAPES = KnownDataset(
    name="synthetic_shapes",
    facts=Facts(
        title="Synthetic shapes on a noisy background with adjustable contrast, drawn by a program",
        shape=(1, 16, 16),
        classes=CLASSES,
        train=TRAIN,
        test=TEST,
    ),
    find=find_shapes,
    load=lambda root: draw_shapes(),
    draw=draw_shapes,
    bundled=True,
    tasks=class_table(
        "synthetic_shapes",
        "synthetic shapes",
        CLASSES,
        {
            "round_straight": {
                "straight": ("bar", "cross", "frame", "pillar", "square", "triangle"),
                "round": ("disc", "ring"),
            },
            "thin_solid": {
                "thin": ("bar", "cross", "frame", "pillar", "ring"),
                "solid": ("disc", "square", "triangle"),
            },
        },
    ),
    quick={"train_size": None, "test_size": None, "validation_fraction": 0.2},
)
