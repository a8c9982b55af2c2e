"""From arms to the trials that are trained: every arm in every block with every seed, in random order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import replace

from saddle.design.arm import Arm, Replicate
from saddle.design.blocks import Block, block_list, block_name
from saddle.design.relation_design import unit_blocks
from saddle.errors import DesignError
from saddle.study.ablation import Ablation
from saddle.study.models import Study


def replicates_of(ablation: Ablation, arms: Sequence[Arm]) -> list[Replicate]:
    """An ablation's replicates in the order in which they are run."""
    return replicates(arms, ablation.seed_list, block_list(ablation.blocks), ablation.order_seed)


def blocks_of_study(study: Study) -> list[Block]:
    """The blocks of an ablation, the units of a relation; a single empty block otherwise."""
    if study.relation is not None:
        return unit_blocks(study.relation)
    return block_list({} if study.ablation is None else study.ablation.blocks)


def replicates_of_study(study: Study, arms: Sequence[Arm], absent: Container[str] = ()) -> list[Replicate]:
    """The replicates of an ablation or a relation in the order in which they are run.

    Those of units whose names are among the `absent` ones are left out; the order of the others is the same.
    """
    relation = study.relation
    if relation is not None:
        ordered = replicates(arms, relation.seed_list, unit_blocks(relation), relation.order_seed)
        there = [replicate for replicate in ordered if block_name(replicate.block) not in absent]
        return [replace(replicate, is_unit=True) for replicate in there]
    assert study.ablation is not None
    return replicates_of(study.ablation, arms)


def replicates(
    arms: Sequence[Arm], seeds: Iterable[int], blocks: Sequence[Block] = ({},), order_seed: int | None = None
) -> list[Replicate]:
    """All replicates, seed by seed, so that an interrupted ablation has complete pairs.

    Within a seed they are in random order, so that nothing that changes over time (a machine that warms up, a neighbour
    on it) always meets the same arm; each seed's order depends on it and on `order_seed` only, so that more seeds
    change none. Without `order_seed` they are in the order of blocks and arms.

    Raises `DesignError` for a seed given twice: it would count one measurement as two.
    """
    seeds = list(seeds)
    repeated = sorted(seed for seed, count in Counter(seeds).items() if count > 1)
    if repeated:
        raise DesignError(f"seed {repeated[0]} is given more than once; every seed may be used once per arm")
    ordered = []
    for seed in seeds:
        of_seed = [Replicate(arm, seed, block) for block in blocks for arm in arms]
        places = range(len(of_seed)) if order_seed is None else _order(len(of_seed), order_seed, seed)
        ordered += [of_seed[place] for place in places]
    return ordered


def _order(count: int, order_seed: int, seed: int) -> list[int]:
    import numpy as np

    return [int(place) for place in np.random.default_rng([order_seed, seed]).permutation(count)]
