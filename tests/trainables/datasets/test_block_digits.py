"""Block digits: the mask marks the only block that tells of the class."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from trainables.datasets import KNOWN, load
from trainables.datasets.dataset import Dataset
from trainables.datasets.synthetic.block_digits import BLOCK, draw_blocks


@pytest.fixture(scope="module")
def blocks() -> Dataset:
    return load("block_digits")


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


def marked(dataset: Dataset, split: str) -> torch.Tensor:
    """What the masks mark of each image, (N, 8, 8)."""
    part = dataset.splits[split]  # type: ignore[index]
    assert part.masks is not None
    return part.images[:, 0][part.masks == 255].reshape(-1, BLOCK, BLOCK)


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_marked_block_is_the_digit_and_no_other_is(blocks: Dataset, digits: Dataset, split: str) -> None:
    own = digits.splits[split]  # type: ignore[index]
    part = blocks.splits[split]  # type: ignore[index]
    assert torch.equal(marked(blocks, split), own.images[:, 0])
    assert torch.equal(part.labels, own.labels)
    assert part.masks is not None
    assert set(part.masks.unique().tolist()) == {0, 255}
    assert ((part.masks == 255).sum((1, 2)) == BLOCK * BLOCK).all()
    shown = {image.numpy().tobytes() for image in own.images[:, 0]}
    for number in range(0, len(part), 37):
        image, mask = part.images[number, 0], part.masks[number]
        tiles = [(image[r : r + 8, c : c + 8], mask[r, c]) for r in (0, 8) for c in (0, 8)]
        assert [bool(of) for _, of in tiles].count(True) == 1
        assert not any(tile.contiguous().numpy().tobytes() in shown for tile, of in tiles if not of)


def test_other_blocks_are_as_bright_as_digits_and_tell_nothing(blocks: Dataset) -> None:
    part = blocks.train
    assert part.masks is not None
    inside = part.images[:, 0][part.masks == 255].float()
    outside = part.images[:, 0][part.masks == 0].float()
    assert float(outside.mean()) == pytest.approx(float(inside.mean()), rel=0.02)
    assert float(outside.std()) == pytest.approx(float(inside.std()), rel=0.02)
    # their brightness, all that is left of a digit once its pixels are shuffled, does not go with the class
    brightness = torch.where(part.masks == 0, part.images[:, 0], 0).float().sum((1, 2))
    by_class = torch.stack([brightness[part.labels == label].mean() for label in range(10)])
    error = float(brightness.std()) / (len(part) / 10) ** 0.5
    assert float((by_class - brightness.mean()).abs().max()) < 4 * error


def test_the_digit_stands_anywhere(blocks: Dataset) -> None:
    assert blocks.train.masks is not None
    corners = blocks.train.masks[:, ::8, ::8].flatten(1) == 255
    counts = corners.sum(0)
    assert int(counts.sum()) == len(blocks.train)
    assert int(counts.min()) > 0.8 * len(blocks.train) / 4
    for label in range(10):
        assert bool(corners[blocks.train.labels == label].any(0).all())


def test_an_image_depends_on_its_number_alone(blocks: Dataset, digits: Dataset) -> None:
    pixels = digits.test.images[:, 0].numpy()
    image, mask = draw_blocks("test", 17, pixels)
    assert blocks.test.masks is not None
    assert np.array_equal(image, blocks.test.images[17, 0].numpy())
    assert np.array_equal(mask, blocks.test.masks[17].numpy())
    again, _ = draw_blocks("train", 17, pixels)
    assert not np.array_equal(image, again)


def test_it_is_known_by_its_facts(blocks: Dataset) -> None:
    known = KNOWN["block_digits"]
    assert blocks.shape == known.facts.shape
    assert (len(blocks.train), len(blocks.test)) == (known.facts.train, known.facts.test)
    assert known.bundled
