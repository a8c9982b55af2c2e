"""What nights can see is stated from the spread of the references they are compared with."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import stdev

import pytest

from saddle.nightly.decision.detectable import Detectable, detectable, exact_power, in_words, nights_to_drop
from saddle.nightly.decision.history import History
from saddle.nightly.decision.night import Host, Replicate
from tests.support.simulated_nights import ONE, POLICY, Machine, Version, environment_of, run_nights
from trainables.contract import Direction, complete_metric

HERE = environment_of("first").host


@pytest.mark.parametrize("rule", ["exact", "cusum"])
def test_each_arm_and_metric_is_stated_with_the_spread_of_its_own_references(rule: str) -> None:
    policy = replace(POLICY, rule=rule)
    machine = Machine(policy, {"first": Version(0)}, reproducible=rule == "exact")
    history = run_nights(History(policy), machine, ["first"] * 10)
    stated = detectable(history, HERE)
    assert [(each.arm, each.metric) for each in stated] == [
        (arm, each.metric) for arm in sorted(policy.arms) for each in policy.watched
    ]
    for each in stated:
        values = history.tracks.reference_values(HERE, each.arm, each.metric)
        assert len(values) == 30
        assert each.spread == pytest.approx(stdev(values))
        nights = [each.nights[size] for size in sorted(each.nights)]
        assert nights == sorted(nights, reverse=True), "a larger drop is found sooner"


def test_nothing_is_stated_of_a_host_without_references_or_where_nothing_varies() -> None:
    machine = Machine(ONE, {"first": Version(0)}, spread=0.0)
    history = run_nights(History(ONE), machine, ["first"])
    assert detectable(history, HERE) == ()
    assert detectable(history, Host("another", "machine")) == ()


def test_replicates_that_failed_do_not_count_for_the_spread() -> None:
    machine = Machine(ONE, {"first": Version(0, failing={Replicate("mp", 3): "collapsed"})})
    history = run_nights(History(ONE), machine, ["first"])
    assert len(history.tracks.reference_values(HERE, "mp", ONE.watched[0].metric)) == 29


def test_the_chance_grows_with_every_night_and_a_drop_that_is_too_small_may_never_be_found() -> None:
    powers = exact_power(ONE, 1.0, 1.0)
    assert powers == sorted(powers)
    assert len(powers) == len(ONE.looks)
    assert nights_to_drop(ONE, 0.1, 1.0) == math.inf
    assert nights_to_drop(replace(ONE, rule="cusum"), 0.1, 1.0) == math.inf
    assert nights_to_drop(POLICY, 2.0, 1.0) > nights_to_drop(ONE, 2.0, 1.0)


@pytest.mark.parametrize(("direction", "loss"), [("maximize", "drop"), ("minimize", "rise")])
def test_it_is_said_in_the_metrics_own_unit(direction: Direction, loss: str) -> None:
    stated = Detectable("mp", "test/accuracy", 0.01, {0.01: math.inf, 0.02: 2.0, 0.03: 1.0})
    assert in_words(stated, complete_metric("test/accuracy", direction)) == (
        f"mp, test/accuracy: seeds vary by 1.0 points; a {loss} of 1.0 may go unnoticed; of 2.0 is noticed after"
        " 2 nights; of 3.0 is noticed after 1 night"
    )
