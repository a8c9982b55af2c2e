"""Every arm meets every block with every seed, in an order that is random, stays, and grows with the seeds."""

from __future__ import annotations

from typing import Any

import pytest

from saddle.design import Arm, Replicate, make_arms, replicates_of
from saddle.design.blocks import block_list
from saddle.design.trial_source import AblationSource
from saddle.errors import DesignError
from saddle.store.local import LocalStore
from saddle.study.models import Ablation
from saddle.trial.run_id import RunId
from tests.support.records import make_record


def designed(**given: Any) -> list[Replicate]:
    ablation = Ablation.model_validate({"factors": {"p": ["a", "b", "c", "d"]}, "seeds": 6, **given})
    return replicates_of(ablation, make_arms(ablation, {"p": "a"}))


def test_within_a_seed_arms_are_in_an_order_of_its_own() -> None:
    orders = {seed: [r.arm.level for r in designed() if r.seed == seed] for seed in range(6)}
    assert all(sorted(order) == ["a", "b", "c", "d"] for order in orders.values())
    assert len({tuple(order) for order in orders.values()}) > 3
    assert [r.seed for r in designed()] == sorted(r.seed for r in designed()), "seed by seed"


def test_the_order_stays_with_its_seed_and_changes_with_the_order_seed() -> None:
    assert designed() == designed()
    assert designed(seeds=9)[: 6 * 4] == designed(), "more seeds change nothing before them"
    assert designed(seeds=[5, 0])[:4] == [r for r in designed() if r.seed == 5]
    assert designed(order_seed=1) != designed()
    assert sorted(r.key for r in designed(order_seed=1)) == sorted(r.key for r in designed())


def test_every_arm_comes_first_about_as_often() -> None:
    first = [r.arm.level for place, r in enumerate(designed(seeds=400)) if place % 4 == 0]
    assert all(70 <= first.count(level) <= 130 for level in "abcd")


def test_every_arm_meets_every_block_with_every_seed() -> None:
    found = designed(blocks={"dataset": ["mnist", "digits"], "width": [2, 4]}, seeds=2)
    assert len(found) == 4 * 4 * 2 == len({r.key for r in found})
    assert {(r.arm.level, r.seed, *r.block.values()) for r in found} == {
        (level, seed, dataset, width)
        for level in "abcd" for seed in (0, 1) for dataset in ("mnist", "digits") for width in (2, 4)
    }  # fmt: skip
    first = [tuple(r.block.values()) for r in found[:16]]
    assert first != sorted(first), "blocks are mixed within a seed, too"
    assert found[0].key == f"{found[0].arm.key}-{found[0].block['dataset']}-{found[0].block['width']}-s0"


def test_keys_without_blocks_are_as_before() -> None:
    assert designed()[0].key == f"{designed()[0].arm.key}-s0"
    assert block_list({}) == [{}]


@pytest.mark.parametrize(
    "levels",
    [
        [{"folder": "data/letters"}, {"folder": "data-letters"}],
        [{"folder": "a" * 60 + "1"}, {"folder": "a" * 60 + "2"}],
        ["ä", "a"],
        [0.5, "0-5"],
    ],
)
def test_blocks_that_look_alike_have_keys_of_their_own(levels: list[Any], tmp_path: Any) -> None:
    arm = Arm("p=a", {"p": "a"})
    keys = [Replicate(arm, 0, {"dataset": level}).key for level in levels]
    assert len(set(keys)) == 2
    for key in keys:
        LocalStore(tmp_path).write(f"studies/s/trials/{key}/x", b"")


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ({"machine": ["a100", "GPU"]}, "block machine has the level GPU, which can't name a kind of machine"),
        ({"machine": ["a100", 3]}, "block machine has the level 3"),
        ({"dataset": ["mnist", "mnist"]}, "block dataset lists mnist more than once"),
    ],
)
def test_wrong_blocks_are_refused(blocks: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        designed(blocks=blocks)


def take(source: AblationSource, slots: int) -> list[tuple[str | None, list[Any]]]:
    """The proposals of every leg, each ended before the next."""
    found: list[tuple[str | None, list[Any]]] = []
    for machine in source.legs(slots):
        found.append((machine, []))
        while (one := source.next()) is not None:
            found[-1][1].append(one)
            source.finish(make_record(one.key, "s", one.seed, "completed", {}, {}, {}, arm=one.arm, block=one.block))
    return found


def test_one_kind_of_machine_is_proposed_after_the_other_and_is_no_setting() -> None:
    replicates = designed(blocks={"machine": ["slow", "fast"]}, seeds=2)
    done = make_record(replicates[0].key, "s", replicates[0].seed, "completed", {}, {}, {})
    source = AblationSource(RunId("s"), replicates, {done.key: done})
    proposed = dict(legs := take(source, 1))
    assert sorted(machine or "" for machine, _ in legs) == ["fast", "slow"]
    for machine, listed in legs:
        assert {proposal.block["machine"] for proposal in listed} == {machine}
        assert [proposal.seed for proposal in listed] == sorted(p.seed for p in listed)
    keys = [proposal.key for _, listed in legs for proposal in listed]
    assert sorted(keys) == sorted(replicate.key for replicate in replicates[1:])
    assert proposed["slow"][0].settings.keys() == {"p"}
    assert list(source.legs(1)) == []


def test_where_any_machine_will_do_there_is_one_leg_and_none_where_all_is_done() -> None:
    replicates = designed(seeds=2)
    assert [machine for machine, _ in take(AblationSource(RunId("s"), replicates, {}), 1)] == [None]
    raced = AblationSource(RunId("s"), replicates, {}, lambda finished: lambda one: True)
    assert [machine for machine, _ in take(raced, 1)] == [None]
    assert list(AblationSource(RunId("s"), [], {}).legs(1)) == []


@pytest.mark.parametrize(("slots", "turns"), [(1, [3, 1, 1, 1]), (6, [3, 2, 1]), (100, [6])])
def test_in_a_race_kinds_of_machines_take_turns(slots: int, turns: list[int]) -> None:
    """Three seeds first, then as many as keep the slots busy; four arms of one seed are four trials of a kind."""
    replicates = designed(blocks={"machine": ["slow", "fast"]}, seeds=6)
    legs = take(AblationSource(RunId("s"), replicates, {}, lambda finished: lambda one: True), slots)
    assert len({machine for machine, _ in legs}) == 2
    seeds = [sorted({proposal.seed for proposal in listed}) for _, listed in legs]
    assert [len(one) for one in seeds[::2]] == turns
    assert seeds[::2] == seeds[1::2], "one kind has a turn's seeds as the other"
    assert sum(len(listed) for _, listed in legs) == len(replicates)


def test_what_one_kind_settles_no_other_trains() -> None:
    """An arm settled with its third seed gets no fourth on any kind of machine."""
    replicates = designed(blocks={"machine": ["slow", "fast"]}, seeds=6)
    arm = replicates[0].arm.name

    def judge(finished: Any) -> Any:
        over = len({(e.seed, e.block["machine"]) for e in finished if e.arm == arm and e.seed < 3}) == 6
        return lambda one: not over or one.arm.name != arm or one.seed < 3

    legs = take(AblationSource(RunId("s"), replicates, {}, judge), 1)
    trained = {(one.seed, machine) for machine, listed in legs for one in listed if one.arm == arm}
    assert trained == {(seed, machine) for seed in range(3) for machine in ("slow", "fast")}
    assert sum(len(listed) for _, listed in legs) == len(replicates) - 2 * 3


def test_legs_end_where_nobody_takes_what_is_proposed() -> None:
    assert (
        len(list(AblationSource(RunId("s"), designed(blocks={"machine": ["slow", "fast"]}, seeds=2), {}).legs(1))) == 2
    )
