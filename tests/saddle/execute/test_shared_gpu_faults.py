"""Who is blamed where a GPU fails under several trials: one of them, and in the end the right one."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from saddle.execute.shared_gpu_faults import FREE, WINDOW, SharedGpuFaults
from saddle.trial.messages import GpuFaultMessage
from saddle.trial.restart_policy import RESTARTS, Restart, RestartPolicy


def word(key: str, *, gpu: str = "node/0", maybe_own: bool = True) -> GpuFaultMessage:
    return GpuFaultMessage(key, 1, "CUDA error: unspecified launch failure", gpu, maybe_own)


def keys(words: list[GpuFaultMessage]) -> list[str]:
    return [each.key for each in words]


def drain(faults: SharedGpuFaults) -> list[str]:
    """Those that run again, each getting past its error."""
    again = []
    while (key := faults.next()) is not None:
        again.append(key)
        faults.is_past(key)
    return again


def test_one_is_blamed_and_all_run_again() -> None:
    faults = SharedGpuFaults()
    for key in ("a", "b", "c"):
        faults.add(word(key), now=0.0)
    assert faults.judge(now=WINDOW - 1) == []
    assert keys(faults.judge(now=WINDOW)) == ["a"]
    assert sorted(drain(faults)) == ["a", "b", "c"]
    assert not faults.holds()


def test_who_only_lost_the_server_is_not_blamed() -> None:
    faults = SharedGpuFaults()
    faults.add(word("victim", maybe_own=False), now=0.0)
    faults.add(word("culprit"), now=1.0)
    assert keys(faults.judge(at_once=True)) == ["culprit"]


def test_where_the_server_alone_failed_nobody_is_blamed() -> None:
    faults = SharedGpuFaults()
    for key in ("a", "b"):
        faults.add(word(key, maybe_own=False), now=0.0)
    assert faults.judge(at_once=True) == []
    assert drain(faults) == ["a", "b"]


def test_faults_of_two_gpus_are_two() -> None:
    faults = SharedGpuFaults()
    faults.add(word("a", gpu="node/0"), now=0.0)
    faults.add(word("b", gpu="node/1"), now=0.0)
    assert sorted(keys(faults.judge(at_once=True))) == ["a", "b"]


def test_a_late_word_belongs_to_the_fault_that_was_judged() -> None:
    faults = SharedGpuFaults()
    faults.add(word("a"), now=0.0)
    assert keys(faults.judge(now=1.0, at_once=True)) == ["a"]
    faults.add(word("b"), now=2.0)
    assert faults.judge(now=2.0, at_once=True) == []
    assert drain(faults) == ["a", "b"]
    faults.add(word("b"), now=WINDOW + 1)
    assert keys(faults.judge(at_once=True)) == ["b"], "afterwards it is a fault of its own"


def test_suspects_run_one_at_a_time_until_each_is_past_its_error() -> None:
    faults = SharedGpuFaults()
    for key in ("a", "b"):
        faults.add(word(key), now=0.0)
    faults.judge(at_once=True)
    assert faults.next() == "a"
    assert faults.next() is None
    faults.is_past("a")
    assert faults.next() == "b"


def test_who_got_past_its_error_is_blamed_after_who_did_not() -> None:
    faults = SharedGpuFaults()
    for fault in range(4):  # the long neighbour always speaks first
        for key in ("neighbour", "culprit"):
            faults.add(word(key), now=fault * 2 * WINDOW)
        assert keys(faults.judge(at_once=True)) == ["neighbour" if fault == 0 else "culprit"]
        while (key := faults.next()) is not None:
            if key == "culprit":
                break
            faults.is_past(key)
        faults.is_past("neighbour")  # it has continued beside the culprit


def test_a_trial_whose_gpu_never_works_is_blamed_in_the_end() -> None:
    faults = SharedGpuFaults()
    blamed: list[str] = []
    for fault in range(FREE + 1):
        faults.add(word("a", maybe_own=False), now=fault * 2 * WINDOW)
        blamed += keys(faults.judge(at_once=True))
        faults.next()
    assert blamed == ["a"]


def test_a_trial_that_ended_meanwhile_does_not_run_again() -> None:
    faults = SharedGpuFaults()
    for key in ("a", "b"):
        faults.add(word(key), now=0.0)
    faults.judge(at_once=True)
    faults.forget("a")
    faults.forget("b")
    assert not faults.holds()


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("neighbours", [1, 3])
def test_only_the_culprit_is_given_up(neighbours: int, seed: int) -> None:
    """Simulated: trials share one GPU; the culprit's third epoch fails it, and each one on it gets the same error.

    The culprit always speaks last, which is the worst order, and its neighbours train for much longer than it.
    """
    rng = random.Random(seed)
    faults, policy = SharedGpuFaults(), RestartPolicy()
    todo, running = [f"t{number}" for number in range(9)], dict[str, int]()
    epochs: Counter[str] = Counter()
    culprit, ended, failed, now = f"t{rng.randrange(9)}", [], [], 0.0
    for _ in range(1000):
        now += 4.0
        for blamed in faults.judge(now=now, at_once=not todo and not running):
            if policy.on_death(blamed.key) is Restart.GIVE_UP:
                failed.append(blamed.key)
                faults.forget(blamed.key)
        while len(running) <= neighbours and (key := faults.next() or (todo.pop(0) if todo else None)):
            running[key] = epochs[key]
        if not (running or todo or faults.holds()):
            break
        if epochs[culprit] == 2 and culprit in running and rng.random() < 0.5:
            for key in sorted(running, key=lambda key: (key == culprit, rng.random())):
                faults.add(word(key), now=now)
            running.clear()
            continue
        for key in [key for key in running if key != culprit or epochs[key] < 2]:
            epochs[key] += 1
            faults.is_past(key)
            if epochs[key] == 40:
                ended.append(key)
                del running[key]
    assert failed == [culprit]
    assert sorted([*ended, *failed]) == [f"t{number}" for number in range(9)]
    assert policy.deaths[culprit] == RESTARTS + 1
    assert [key for key, deaths in policy.deaths.items() if key != culprit and deaths > 1] == []
