"""Nights on a machine that gives other values each time: fresh seeds in a CUSUM, and a canary for exact changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from saddle.analyse.statistics.sequential.cusum import alarm_limit
from saddle.nightly.decision.history import History
from saddle.nightly.decision.night import Code, Night, Replicate
from saddle.nightly.decision.plan import next_work
from saddle.nightly.decision.policy import Policy
from tests.support.simulated_nights import (
    ONE,
    POLICY,
    Machine,
    Version,
    date_of,
    decided,
    environment_of,
    last,
    run_night,
    run_nights,
)

FRESH = replace(POLICY, rule="cusum")
FRESH_ONE = replace(ONE, rule="cusum")


def machine_of(policy: Policy = FRESH_ONE, seed: int = 1) -> Machine:
    versions = {"first": Version(0), "harmless": Version(1), "weak": Version(2, shift=-0.03)}
    return Machine(policy, versions, seed=seed, reproducible=False)


def test_each_night_trains_the_canary_and_seeds_that_no_night_had() -> None:
    machine = machine_of(FRESH)
    history = run_nights(History(FRESH), machine, ["first"] * 4)
    assert decided(history) == [("filling", 0), *[("unchanged", 0)] * 3]
    canaries = [work for work in machine.asked if work.purpose == "canary"]
    assert [work.replicates for work in canaries] == [FRESH.replicates((0,))] * 4
    fresh = [each for work in machine.asked if work.purpose == "rotation" for each in work.replicates]
    assert len(set(fresh)) == len(fresh) == 4 * 6
    assert not set(fresh) & set(canaries[0].replicates)
    assert all(work.required for work in machine.asked)


def test_the_canary_names_a_change_and_the_commits_whether_or_not_it_is_worse() -> None:
    machine = machine_of()
    history = run_nights(History(FRESH_ONE), machine, ["first", "first", "harmless", "harmless"])
    assert decided(history) == [("filling", 0), ("unchanged", 0), ("changed", 4), ("unchanged", 0)]
    change = history.decisions[2].change
    assert change is not None
    assert change.commits == (Code("first"), Code("harmless"))
    assert change.witness == Replicate("mp", 0)


def test_a_drop_alarms_names_the_night_it_began_and_stays_an_alarm_until_it_is_gone() -> None:
    machine = machine_of()
    history = run_nights(History(FRESH_ONE), machine, ["first"] * 10 + ["weak"] * 5)
    kinds = [kind for kind, _ in decided(history)]
    assert "worse" not in kinds[:10]
    first = kinds.index("worse")
    assert first <= 12
    assert set(kinds[first:]) == {"worse"}
    assert [decision.is_news for decision in history.decisions[first:]] == [True] + [False] * (14 - first)
    alarm = last(history).change
    assert alarm is not None
    assert alarm.first_night in (date_of(9), date_of(10))
    assert alarm.commits == (Code("first"), Code("weak"))
    assert alarm.what == ("code",)
    [effect] = last(history).effects
    assert effect.mean < -0.01
    assert effect.is_worse
    assert effect.cusum is not None
    mended = run_nights(history, machine, ["first"] * 25)
    kinds = [kind for kind, _ in decided(mended)][15:]
    assert kinds[-1] == "unchanged"
    gone = next(decision for decision in mended.decisions[15:] if decision.reverted)
    assert gone.is_news


def test_accepting_a_night_begins_the_charts_with_it() -> None:
    machine = machine_of(seed=2)
    history = run_nights(History(FRESH_ONE), machine, ["first"] * 10 + ["weak"] * 4)
    assert last(history).kind == "worse"
    history = history.accept(date_of(10), "meant so")
    [track] = history.tracks.fresh.values()
    assert len(track.streams["mp", FRESH_ONE.watched[0].metric].values) == 4 * 3
    history = run_nights(history, machine, ["weak"] * 6)
    assert {kind for kind, _ in decided(history)[-6:]} == {"unchanged"}
    assert History.from_json(history.to_json()).decisions == history.decisions


def test_seeds_that_fail_count_as_the_worst_value_seen() -> None:
    machine = machine_of()
    failing = {Replicate("mp", seed): "collapsed" for seed in range(1, 200)}
    machine.versions["broken"] = Version(3, failing=failing)
    history = run_nights(History(FRESH_ONE), machine, ["first"] * 10 + ["broken"] * 4)
    assert last(history).kind == "worse"
    assert last(history).effects[0].failed == (0, 3)


def test_a_new_machine_begins_charts_of_its_own() -> None:
    machine = machine_of()
    history = run_nights(History(FRESH_ONE), machine, ["first"] * 3)
    history = run_night(history, machine, environment_of("weak", machine="other GPU"))
    assert last(history).kind == "filling"
    assert len(history.tracks.fresh) == 2


def test_a_night_that_lacks_a_seed_is_unfinished() -> None:
    machine = machine_of()
    history = run_nights(History(FRESH_ONE), machine, ["first"] * 2)
    night = Night(date_of(2), environment_of("first"))
    work = next_work(history, night)
    assert work is not None
    with pytest.raises(ValueError, match="not finished"):
        history.with_night(night.with_measurements(machine.train(work)))


def test_more_arms_and_metrics_need_a_higher_limit() -> None:
    assert alarm_limit(FRESH.comparisons) > alarm_limit(FRESH_ONE.comparisons)
