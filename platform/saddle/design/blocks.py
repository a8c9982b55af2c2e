"""Blocks: circumstances, such as the dataset, that every arm meets with every seed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from saddle.design.arm import DesignError
from saddle.design.point import name_of
from saddle.design.values import readable, same

Block = Mapping[str, Any]
"""Where the factors of the blocks stand; empty in an ablation without blocks."""

MACHINE = "machine"


def block_list(blocks: Mapping[str, list[Any]]) -> list[Block]:
    """Every combination of the blocks' levels; the single empty block where there are none.

    Raises `DesignError` for a level listed twice, and for `machine`, which can't be a block yet.
    """
    if MACHINE in blocks:
        raise DesignError(
            "machines can't be blocks yet: Ray places a study's trials on any machine that fits; run the study once on"
            " each kind of machine, under two names, and compare the reports"
        )
    for name, levels in blocks.items():
        for index, level in enumerate(levels):
            if any(same(level, earlier) for earlier in levels[:index]):
                raise DesignError(f"block {name} lists {readable(level)} more than once")
    return [dict(zip(blocks, levels, strict=True)) for levels in itertools.product(*blocks.values())]


def replicate_name(arm: str, seed: int, block: Block) -> str:
    """`mp, seed 2`, or `mp, seed 2, dataset=mnist` in an ablation with blocks."""
    return ", ".join([arm, f"seed {seed}", *([block_name(block)] if block else [])])


def block_name(block: Block) -> str:
    """`dataset=mnist`; empty for the block of an ablation without any."""
    return name_of(block)
