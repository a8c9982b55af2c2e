"""A history is all that counts: replayed it says the same, in whatever order arms are named and values are measured."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saddle.nightly.decision.decision import Decision
from saddle.nightly.decision.history import History
from saddle.nightly.decision.judge import judge
from saddle.nightly.decision.night import Environment, Night
from saddle.nightly.decision.policy import Policy, Rule, Watched
from tests.support.simulated_nights import POLICY, Machine, Version, environment_of, run_night

SMALL = replace(POLICY, arms=("mp", "mta", "sta"), seeds=tuple(range(15)))
COMMITS = {
    "first": Version(0),
    "docs": Version(0),
    "harmless": Version(1),
    "weak": Version(2, shift=-0.1),
    "odd": Version(3, shift=-0.1, arms=("mp",)),
}
ENVIRONMENTS = st.builds(
    environment_of,
    st.sampled_from(sorted(COMMITS)),
    data=st.sampled_from(["data", "data", "data", "newer"]),
    machine=st.sampled_from(["cpu", "cpu", "cpu", "other"]),
)
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def run(policy: Policy, environments: list[Environment], accepting: set[int], seed: int = 0) -> History:
    history, machine = History(policy), Machine(policy, dict(COMMITS), seed=seed, reproducible=policy.rule == "exact")
    for place, environment in enumerate(environments):
        history = run_night(history, machine, environment)
        if place in accepting and (policy.rule == "cusum" or _is_pending(history, environment)):
            history = history.accept(history.nights[-1].date, "so be it")
    return history


def _is_pending(history: History, environment: Environment) -> bool:
    return history.tracks.exact[environment.host].pending is not None


@QUICK
@given(st.lists(ENVIRONMENTS, min_size=1, max_size=9), st.sets(st.integers(0, 8)), st.sampled_from(["exact", "cusum"]))
def test_a_history_that_is_replayed_says_what_it_said_night_by_night(
    environments: list[Environment], accepting: set[int], rule: Rule
) -> None:
    history = run(replace(SMALL, rule=rule), environments, accepting)
    replayed = History.from_json(history.to_json())
    assert replayed == history
    assert replayed.decisions == history.decisions
    assert replayed.tracks == history.tracks
    accepted = [acceptance for acceptance in history.accepted if acceptance.after < len(history.nights)]
    before = History(history.policy, history.nights[:-1], tuple(accepted))
    assert judge(before, history.nights[-1]) == history.decisions[-1]


@QUICK
@given(st.lists(ENVIRONMENTS, min_size=1, max_size=9), st.permutations(SMALL.arms), st.randoms(use_true_random=False))
def test_the_order_of_arms_metrics_and_measurements_does_not_matter(
    environments: list[Environment], arms: list[str], random: Random
) -> None:
    history = run(SMALL, environments, set())
    other = History(replace(SMALL, arms=tuple(arms), watched=SMALL.watched[::-1]))
    for night in history.nights:
        measurements = list(night.measurements)
        random.shuffle(measurements)
        other = other.with_night(Night(night.date, night.environment, tuple(measurements)))
    assert other.decisions == history.decisions


@QUICK
@given(st.lists(ENVIRONMENTS, min_size=1, max_size=9))
def test_nights_and_decisions_survive_json_exactly(environments: list[Environment]) -> None:
    history = run(SMALL, environments, set())
    for night, decision in zip(history.nights, history.decisions, strict=True):
        assert Night.from_json(night.to_json()) == night
        assert Decision.from_json(decision.to_json()) == decision


def test_what_a_later_saddle_wrote_is_refused() -> None:
    night = Night("2026-01-01", environment_of("first"))
    with pytest.raises(ValueError, match="version 99"):
        Night.from_json(replace(night, version=99).to_json())
    with pytest.raises(ValueError, match="version 99"):
        History.from_json(replace(History(SMALL), version=99).to_json())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"arms": ()}, "needs an arm"),
        ({"watched": ()}, "needs an arm"),
        ({"seeds": (0, 1)}, "at least 3 seeds"),
        ({"seeds": (0, 1, 1)}, "each once"),
        ({"rotation": 0}, "not between 1 and the 30"),
    ],
)
def test_a_policy_that_can_decide_nothing_is_refused(wrong: dict[str, Any], message: str) -> None:
    fields: dict[str, Any] = {"arms": ("a",), "watched": (Watched("test/accuracy", "maximize"),), **wrong}
    with pytest.raises(ValueError, match=message):
        Policy(**fields)


@pytest.mark.parametrize(("pool", "looks"), [(3, (3,)), (12, (12,)), (13, (12, 13)), (20, (12, 15, 18, 20))])
def test_looks_end_with_the_whole_pool(pool: int, looks: tuple[int, ...]) -> None:
    assert replace(POLICY, seeds=tuple(range(pool))).looks == looks


def test_nights_of_an_earlier_policy_are_decided_by_what_they_measured() -> None:
    machine = Machine(SMALL, {name: COMMITS[name] for name in ("first", "docs", "harmless")})
    history = History(replace(SMALL, rotation=2))
    for _ in range(4):
        history = run_night(history, machine, environment_of("first"))
    larger = History(replace(SMALL, seeds=tuple(range(18)), rotation=4), history.nights)
    assert all(decision.kind in ("filling", "unchanged") for decision in larger.decisions)
    larger = run_night(larger, machine, environment_of("docs"))
    assert (larger.decisions[-1].kind, larger.decisions[-1].references) == ("filling", 18 * 3)
    larger = run_night(larger, machine, environment_of("harmless"))
    assert larger.decisions[-1].kind == "changed"
