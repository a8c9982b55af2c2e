"""The arms and units of a relation: two arms, in every unit, with every seed."""

from __future__ import annotations

from saddle.design.arm import Arm
from saddle.design.blocks import Block
from saddle.design.point import levels_name
from saddle.errors import DesignError
from saddle.study.relations.relation import Relation
from saddle.study.values import canonical, same


def relation_arms(relation: Relation) -> list[Arm]:
    """The arm that is gained over, then the one that gains; none if a table holds the gains.

    Raises `DesignError` if the two are the same.
    """
    over, arm = relation.gain.over, relation.gain.arm
    if over is None or arm is None:
        return []
    differing = [name for name in dict.fromkeys([*over, *arm]) if not same(over.get(name), arm.get(name))]
    if not differing:
        raise DesignError(f"gain.arm and gain.over are the same, {levels_name(arm)}; so there is no gain")
    factor = differing[0] if len(differing) == 1 else None
    return [
        Arm(
            levels_name({name: settings[name] for name in differing if name in settings}) or "defaults",
            settings,
            factor,
            settings.get(factor) if factor is not None else None,
            is_baseline=settings is over,
        )
        for settings in (over, arm)
    ]


def unit_blocks(relation: Relation) -> list[Block]:
    """The settings of every unit; raises `DesignError` if two units are the same."""
    blocks: list[Block] = [dict(unit.settings) for unit in relation.unit_list]
    first: dict[str, Block] = {}
    for block in blocks:
        if first.setdefault(canonical(block), block) is not block:
            raise DesignError(f"the unit {levels_name(block)} is listed twice; one point would count as two")
    return blocks
