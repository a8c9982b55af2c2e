"""Handwritten digits among uninformative blocks, so that it is known where the class can be seen.

After BlockMNIST (Shah et al., 2021): one block of an image shows a digit, and the others show the pixels of digits in a
random order, as bright as digits and without their shape. The digit's block, and the classes of which the other blocks
are made, are drawn independently of the class.
"""

from __future__ import annotations

from typing import Any

import numpy as np

VERSION = 1
"""Raise it whenever the drawn images change."""
SEED = 20261130
BLOCK = 8
"""Pixels a side of a block, which are those of a digit."""
ROWS = COLUMNS = 2
SPLIT_NUMBERS = {"train": 0, "test": 1}

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def draw_blocks(split: str, number: int, digits: Pixels) -> tuple[Pixels, Pixels]:
    """Image `number` of a split, (16, 16), of digit `number` of `digits` (N, 8, 8), and its mask of 0 and 255.

    The mask marks the block of the digit. Each image has its own random numbers.
    """
    random = np.random.default_rng([SEED, SPLIT_NUMBERS[split], number])
    place = int(random.integers(ROWS * COLUMNS))
    image = np.zeros((ROWS * BLOCK, COLUMNS * BLOCK), np.uint8)
    mask = np.zeros_like(image)
    for block in range(ROWS * COLUMNS):
        row, column = (BLOCK * at for at in divmod(block, COLUMNS))
        here = np.s_[row : row + BLOCK, column : column + BLOCK]
        if block == place:
            image[here], mask[here] = digits[number], 255
        else:
            other = digits[random.integers(len(digits))]
            image[here] = random.permutation(other.ravel()).reshape(BLOCK, BLOCK)
    return image, mask
