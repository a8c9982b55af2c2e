"""Blocks: circumstances, such as the dataset, that every arm meets with every seed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

from saddle.design.point import levels_name, shown_name
from saddle.errors import DesignError
from saddle.study.grey_levels import with_grey_levels
from saddle.study.values import readable, repeats

Block = Mapping[str, Any]
"""The levels of the blocks' factors; empty in an ablation without blocks."""

MACHINE = "machine"
"""The block whose levels are kinds of machines: resources that nodes of a Ray cluster offer by that name."""

RAYS_OWN = ("CPU", "GPU", "memory", "object_store_memory")


def block_list(blocks: Mapping[str, list[Any]]) -> list[Block]:
    """Every combination of the blocks' levels; the single empty block where there are none.

    Raises `DesignError` for a level listed twice, and for a kind of machine that is not a name for one.
    """
    for level in blocks.get(MACHINE, ()):
        if not isinstance(level, str) or not re.fullmatch(r"[A-Za-z][\w.-]*", level) or level in RAYS_OWN:
            raise DesignError(
                f"block machine has the level {readable(level)}, which can't name a kind of machine; write names that"
                " nodes offer, such as a100 after ray start --resources='{\"a100\": 1}'"
            )
    for name, levels in blocks.items():
        for index in repeats(levels)[:1]:
            raise DesignError(f"block {name} lists {readable(levels[index])} more than once")
    return [dict(zip(blocks, levels, strict=True)) for levels in itertools.product(*blocks.values())]


def settings_of(block: Block) -> dict[str, Any]:
    """The hyperparameters of a block; where a trial runs is none."""
    return {name: level for name, level in block.items() if name != MACHINE}


def replicate_name(arm: str, seed: int, block: Block) -> str:
    """`mp, seed 2`, or `mp, seed 2, dataset=mnist` in an ablation with blocks."""
    return ", ".join([with_grey_levels(arm), f"seed {seed}", *([shown_block(block)] if block else [])])


def block_name(block: Block) -> str:
    """`dataset=mnist`; empty for the block of an ablation without any."""
    return levels_name(block)


def shown_block(block: Block) -> str:
    """The block as people read it: `attack_epsilon=8/255`."""
    return shown_name(block)
