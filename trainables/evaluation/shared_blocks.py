"""Measure many images block by block, each block on one rank, with the same result as on one worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from trainables.contract import Run

MOST_IMAGES = 32
"""Images of a block: few enough to share small splits among ranks, and enough to keep a GPU busy."""


@dataclass(frozen=True)
class Block:
    """The images from `first` to `end`, exclusive."""

    first: int
    end: int

    @property
    def places(self) -> list[int]:
        return list(range(self.first, self.end))


def blocks_of(count: int, size: int = MOST_IMAGES) -> list[Block]:
    """`count` images in blocks of `size`, a smaller one last; the same on any number of ranks."""
    return [Block(first, min(first + size, count)) for first in range(0, count, size)]


@dataclass(frozen=True)
class Look:
    """The measurements of a block: by name `rows` (n, …), one for each of its images, and `sums` over all of them."""

    rows: Mapping[str, Tensor]
    sums: Mapping[str, Tensor] = field(default_factory=dict)


def measure_blocks(blocks: Sequence[Block], look: Callable[[Block], Look], run: Run | None = None) -> Look:
    """The measurements of all images, on the CPU: rows (N, …) in their order, and sums.

    With a `run` each of its ranks measures a part of the blocks, all must call this, and all get the same. What `look`
    draws at random must be a function of the block alone. Sums are added in another order than one worker's.
    """
    if run is None or run.world_size == 1:
        parts = [look(block) for block in blocks]
        rows = {name: torch.cat([part.rows[name].cpu() for part in parts]) for name in parts[0].rows}
        return Look(rows, {name: sum_of([part.sums[name] for part in parts]).cpu() for name in parts[0].sums})
    own = {block: look(block) for block in blocks[run.rank :: run.world_size]}
    # a rank without blocks measures one anyway, for the names and shapes
    shapes = next(iter(own.values())) if own else look(blocks[0])
    rows = {}
    for name, some in shapes.rows.items():
        whole = torch.zeros(blocks[-1].end, *some.shape[1:], dtype=some.dtype, device=run.device)
        for block, part in own.items():
            whole[block.first : block.end] = part.rows[name]
        rows[name] = run.total(whole).cpu()
    sums = {}
    for name, value in shapes.sums.items():
        here = sum_of([torch.zeros_like(value), *(part.sums[name] for part in own.values())])
        sums[name] = run.total(here.to(run.device)).cpu()
    return Look(rows, sums)


def sum_of(values: Sequence[Tensor]) -> Tensor:
    """The sum of tensors of one shape, from the first to the last."""
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total
