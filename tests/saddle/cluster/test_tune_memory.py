"""What Tune keeps of trials that are over stays small, and what it still works with stays whole."""

from __future__ import annotations

from ray.tune.experiment import Trial

from saddle.cluster.tune_memory import KEPT, forget


def trial(number: int, status: str) -> Trial:
    made = Trial("__none", config={"number": number}, stub=True, trial_id=f"t{number}")
    made.status = status
    made.update_last_result({"score": 0.5, "training_iteration": 1})
    return made


def test_the_oldest_finished_trials_go_and_the_rest_stays_in_order() -> None:
    statuses = [Trial.TERMINATED, Trial.ERROR] * (KEPT // 2 + 3)
    trials = [trial(number, status) for number, status in enumerate(statuses)]
    running, waiting = trial(900, Trial.RUNNING), trial(901, Trial.PENDING)
    trials = [running, *trials, waiting]
    everything = list(trials)
    forget(trials)
    assert trials == [running, *everything[7:-1], waiting]
    assert len(trials) == KEPT + 2
    assert everything[1].config == {}
    assert not everything[1].run_metadata.metric_analysis
    assert everything[7].config == {"number": 6}
    assert everything[7].run_metadata.metric_analysis
    kept = list(trials)
    forget(trials)
    assert trials == kept
