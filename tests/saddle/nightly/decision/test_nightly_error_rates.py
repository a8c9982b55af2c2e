"""How often a harmless change is called worse, and how soon a weakening is, by the code that decides."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from saddle.nightly.decision.detectable import exact_power, nights_to_drop
from saddle.nightly.decision.night import Replicate
from saddle.nightly.decision.policy import Policy
from tests.support.nightly_rates import exact_alarms, fresh_alarms, waited, window_alarms
from tests.support.simulated_nights import ONE, POLICY, Version

pytestmark = pytest.mark.long

HISTORIES = 200
HARMLESS = {12: Version(1), 27: Version(2), 44: Version(3)}
FRESH = replace(ONE, rule="cusum")


def at_most(rate: float, runs: int) -> float:
    """The most alarms that so many runs of this rate have, but for one time in two hundred."""
    return rate * runs + 2.6 * math.sqrt(rate * (1 - rate) * runs)


def test_sixty_nights_of_nothing_never_alarm() -> None:
    for seed in range(10):
        assert exact_alarms(POLICY, {}, seed).said == ()


@pytest.mark.parametrize("policy", [ONE, POLICY], ids=["one comparison", "four"])
def test_of_sixty_nights_with_three_harmless_changes_no_more_alarm_than_stated(policy: Policy) -> None:
    alarmed = sum(bool(exact_alarms(policy, HARMLESS, seed).news) for seed in range(HISTORIES))
    assert alarmed <= at_most(1 - 0.99 ** len(HARMLESS), HISTORIES)


def test_harmless_changes_that_supersede_each_other_alarm_no_more_than_stated() -> None:
    changes = {night: Version(night) for night in (3, 5, 8, 10)}
    alarmed = sum(bool(exact_alarms(ONE, changes, seed, nights=20).news) for seed in range(HISTORIES))
    assert alarmed <= at_most(1 - 0.99 ** len(changes), HISTORIES)


def test_harmless_changes_of_an_arm_that_often_fails_alarm_no_more_than_stated() -> None:
    def version(noise: int, seed: int) -> Version:
        fails = np.random.default_rng([noise, seed]).random(30) < 0.3
        return Version(noise, failing={Replicate("mp", place): "collapsed" for place in np.flatnonzero(fails)})

    alarmed = 0
    for seed in range(HISTORIES):
        changes = {0: version(0, seed), 2: version(1, seed)}
        alarmed += bool(exact_alarms(ONE, changes, seed, nights=9).news)
    assert alarmed <= at_most(0.01, HISTORIES)


@pytest.mark.parametrize(("policy", "drop"), [(ONE, 0.02), (ONE, 0.01), (POLICY, 0.02)])
def test_a_drop_is_found_with_the_stated_power_on_each_night(policy: Policy, drop: float) -> None:
    stated = exact_power(policy, drop, 0.01)
    arm = (policy.arms[-1],)
    found = np.zeros(len(stated))
    for seed in range(HISTORIES):
        changes = {1: Version(1, shift=-drop, arms=arm)}
        news = exact_alarms(policy, changes, seed, nights=8).news
        found[news[0] - 1 if news else len(found) :] += 1
    # at Holm's strictest step, of one metric of the arm; where the arm has two, either may be found
    slack = 2.6 * np.sqrt(0.25 / HISTORIES)
    assert (found / HISTORIES >= np.array(stated) - slack).all()
    if policy is ONE:
        assert (found / HISTORIES <= np.array(stated) + slack).all()


def test_a_two_point_drop_at_a_spread_of_one_point_is_found_within_two_nights() -> None:
    assert nights_to_drop(ONE, 2.0, 1.0) == 2
    assert exact_power(ONE, 2.0, 1.0)[2] > 0.95


def test_a_month_without_change_on_a_gpu_alarms_at_most_as_often_as_stated() -> None:
    alarmed = sum(bool(fresh_alarms(FRESH, {}, seed).news) for seed in range(HISTORIES))
    assert alarmed <= at_most(0.05, HISTORIES)


@pytest.mark.parametrize(("spread", "nights"), [(0.01, 2), (0.02, 4), (0.03, 8)])
def test_a_two_point_drop_on_a_gpu_takes_the_stated_nights(spread: float, nights: int) -> None:
    assert nights_to_drop(FRESH, 0.02, spread) == pytest.approx(nights, abs=1)
    waits = [
        waited(fresh_alarms(FRESH, {30: Version(1, shift=-0.02)}, seed, 60, spread).news, 30) for seed in range(60)
    ]
    assert np.median(waits) == pytest.approx(nights, abs=1)


def test_a_window_of_three_fixed_seeds_alarms_at_one_harmless_change_in_more_than_a_tenth() -> None:
    alarmed = [window_alarms((20,), seed) for seed in range(600)]
    assert sum(bool(alarms.said) for alarms in alarmed) / len(alarmed) > 0.1
    repeated = [len(alarms.said) for alarms in alarmed if alarms.said]
    assert np.mean(repeated) > 2, "and says it on several nights"
