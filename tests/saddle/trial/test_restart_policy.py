"""How many deaths a trial is forgiven, and when no worker will ever start."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from saddle.trial.restart_policy import RESTARTS, Restart, RestartPolicy


def test_a_trial_is_given_up_after_one_death_more_than_are_forgiven() -> None:
    policy = RestartPolicy()
    assert [policy.on_death("a") for _ in range(RESTARTS + 1)] == [Restart.AGAIN] * RESTARTS + [Restart.GIVE_UP]
    assert policy.on_death("b") is Restart.AGAIN, "each trial counts by itself"


def test_workers_that_never_start_blame_no_trial() -> None:
    policy = RestartPolicy(restarts=1)
    assert policy.on_death("a", started=False) is Restart.AGAIN
    policy.on_message("a")
    assert policy.on_death("a", started=False) is Restart.AGAIN, "a word in between, and the count restarts"
    assert policy.on_death("a", started=False) is Restart.NEVER_STARTS
    assert policy.deaths["a"] == 0


@given(st.lists(st.sampled_from(["death", "no start", "message"]), max_size=40), st.integers(0, 3))
def test_whatever_happens_a_trial_is_given_up_once_and_by_its_own_deaths_only(events: list[str], restarts: int) -> None:
    policy, own, unheard, given_up = RestartPolicy(restarts), 0, 0, 0
    for event in events:
        if event == "message":
            policy.on_message("a")
            unheard = 0
            continue
        blamed = event == "death" and own <= restarts
        own, unheard = (own + 1, unheard) if blamed else (own, unheard + 1)
        decision = policy.on_death("a", started=event == "death")
        given_up += decision is Restart.GIVE_UP
        assert (decision is Restart.NEVER_STARTS) == (not blamed and unheard > restarts)
        assert (decision is Restart.GIVE_UP) == (blamed and own == restarts + 1)
    assert given_up <= 1
    assert policy.deaths["a"] == own
