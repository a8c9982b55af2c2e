"""The coordinator between a slot and its ranks, in whatever order ranks report, fail, die and outlive their group.

Each example is a scenario of one slot: groups come and go, trials are trained, stopped early, broken off. On an event
loop in virtual time an example fails where every task would wait for ever.
"""

from __future__ import annotations

import pytest
from hypothesis import event, given, settings

from saddle.trial.restart_policy import RESTARTS
from tests.support.rank_scenarios import Scenario, scenarios
from tests.support.simulated_ranks import Attempt, simulate
from tests.support.virtual_time import run


def check(attempt: Attempt, ranks: int) -> None:
    """That an attempt went as its trouble lets it go."""
    plan, heard = attempt.plan, len(attempt.epochs)
    assert attempt.epochs == list(range(attempt.reached + 1, attempt.reached + heard + 1)), "an epoch is lost, or twice"
    last = plan.epochs - attempt.reached + 1  # the barrier of the end
    trouble = plan.trouble(attempt.number)
    if trouble is not None and trouble.barrier > last:
        trouble = None
    at_trouble = trouble is not None and heard == max(0, trouble.barrier - 1)
    if attempt.ending == "ended":
        assert not all(actor.alive for actor in attempt.group.actors), "a group ended of which no rank died"
    elif attempt.ending == "dropped":
        assert attempt.epochs[-1] == plan.dropped_after
    elif attempt.ending == "completed":
        assert heard == last - 1 or (at_trouble and trouble.kind == "short" and ranks == 1)
        assert trouble is None or trouble.kind == "short"
    else:
        assert at_trouble, f"{attempt.ending} without a reason"
        assert attempt.ending in trouble.endings(ranks, is_last=trouble.barrier == last)
        if attempt.whole and trouble.kind == "fault":
            assert attempt.ending == "fault", "what others failed of hides the fault"


def check_scenario(scenario: Scenario) -> None:
    simulation = run(simulate(scenario))
    for attempt in simulation.attempts:
        event(attempt.ending)
        check(attempt, scenario.ranks)
    for (generation, _, _), decisions in simulation.decisions.items():
        group = simulation.groups[generation - 1]
        assert len(decisions) == 1 or group.broken_off or group.over, "ranks of one group were sent different ways"
    last = {attempt.trial: attempt for attempt in simulation.attempts}
    assert list(last) == list(range(len(scenario.trials)))
    assert all(attempt.ending != "ended" or attempt.number == RESTARTS + 1 for attempt in last.values())


@given(scenarios())
@settings(max_examples=100)
def test_every_trial_ends_and_no_rank_waits_for_ever(scenario: Scenario) -> None:
    check_scenario(scenario)


@pytest.mark.slow
@given(scenarios())
@settings(max_examples=1500)
def test_every_trial_ends_in_many_scenarios(scenario: Scenario) -> None:
    check_scenario(scenario)
