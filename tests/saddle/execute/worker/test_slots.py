"""Slots through real Ray Tune and Ray Train: reuse, early stops, failures, deaths."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import ray

from saddle.design.trial_source import AblationSource
from saddle.execute.driver import EndedStudy, Options, run_study
from saddle.execute.stop_request import stop_path
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
from saddle.trial.run_id import RunId
from tests.support.waiting import join_all, wait_until

pytestmark = [pytest.mark.usefixtures("ray_session"), pytest.mark.long]

NODES = [{"CPU": 2.0}]
TRACKLESS = Options(track=False)


def run_yaml(text: str, store: LocalStore, options: Options = TRACKLESS) -> EndedStudy:
    [study] = parse_studies(text, "test.yaml")
    return run_study(study, store, NODES, options)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "runs")


ABLATION = """
study: ab
trainable: parabola
fixed: {{epochs: 3, {fixed}}}
ablation:
  baseline: {{x: 0.3}}
  factors: {{x: [0.3, {levels}]}}
  seeds: {seeds}
  compare: {{metric: test/score}}
"""

SEARCH = """
study: se
trainable: parabola
fixed: {{epochs: 9}}
search: {space}
objective: {{maximize: validation/score}}
sampler: {{tpe: {{startup_trials: 4, seed: 1}}}}
early_stopping: {early}
budget: {budget}
"""


def test_warm_slots_serve_many_trials_with_as_many_processes_as_slots(store: LocalStore) -> None:
    result = run_yaml(ABLATION.format(fixed="pause: 0.4", levels="0.5, 0.7, 0.9", seeds=4), store)
    assert len(result.entries) == 16
    assert {entry.outcome for entry in result.entries} == {"completed"}
    processes = {entry.metrics["test/process"] for entry in result.entries}
    assert len(processes) == 2, "one process per slot, not per trial"


def test_an_ablation_answers_with_the_effect_it_was_built_with(store: LocalStore) -> None:
    result = run_yaml(ABLATION.format(fixed="pause: 0", levels="0.5", seeds=3), store)
    [effect] = result.answer.effects
    # pairing removes the seeds' own part, 0.01 a seed; what is left of it is 0.002 a seed
    assert effect.mean == pytest.approx(-0.04 + 0.002)
    assert effect.verdict == "hurts"


def test_every_outcome_is_told_apart_and_the_study_goes_on(store: LocalStore) -> None:
    text = """
study: troubles
trainable: parabola
fixed: {epochs: 3}
ablation:
  baseline: {trouble: none}
  factors: {trouble: [none, raise, nan, diverge, collapse]}
  seeds: 2
  compare: {metric: test/score}
"""
    result = run_yaml(text, store)
    outcomes: dict[str | None, set[str]] = {entry.arm: set() for entry in result.entries}
    for entry in result.entries:
        outcomes[entry.arm].add(entry.outcome)
    assert outcomes == {
        "trouble=none": {"completed"},
        "trouble=raise": {"failed"},
        "trouble=nan": {"diverged"},
        "trouble=diverge": {"diverged"},
        "trouble=collapse": {"collapsed"},
    }
    assert "ZeroDivisionError" in next(entry.why for entry in result.entries if entry.outcome == "failed")


def test_a_search_stops_hopeless_trials_early_and_finds_the_optimum(store: LocalStore) -> None:
    early = "{asha: {grace_epochs: 1, reduction_factor: 3}}"
    text = SEARCH.format(space="{x: {float: [0.0, 10.0]}}", early=early, budget="{trials: 30}")
    result = run_yaml(text, store)
    outcomes = [entry.outcome for entry in result.entries]
    assert len(outcomes) == 30
    assert set(outcomes) == {"completed", "pruned"}
    assert outcomes.count("pruned") > 10
    pruned = next(entry for entry in result.entries if entry.outcome == "pruned")
    assert 1 <= pruned.epochs < 9
    assert "test/score" not in pruned.metrics
    assert result.answer.best is not None
    assert abs(result.answer.best.settings["x"] - 0.3) < 1.0


@pytest.mark.fault("worker killed or hung")
def test_a_worker_that_dies_is_replaced_and_its_trial_goes_on_from_its_checkpoint(
    store: LocalStore, tmp_path: Path
) -> None:
    trouble = f"trouble: die_once, trouble_epoch: 3, marker: {tmp_path / 'died'}"
    result = run_yaml(ABLATION.format(fixed=trouble, levels="0.5", seeds=2).replace("epochs: 3", "epochs: 4"), store)
    assert {entry.outcome for entry in result.entries} == {"completed"}
    assert sorted(entry.attempts for entry in result.entries) == [1, 1, 1, 2]
    assert all([epoch["train/loss"] for epoch in entry.curve] == [1, 1 / 2, 1 / 3, 1 / 4] for entry in result.entries)


@pytest.mark.fault("worker killed or hung")
def test_a_worker_that_always_dies_fails_its_trial_alone(store: LocalStore) -> None:
    text = """
study: deadly
trainable: parabola
fixed: {epochs: 3}
ablation:
  baseline: {trouble: none}
  factors: {trouble: [none, die]}
  seeds: 1
  compare: {metric: test/score}
"""
    result = run_yaml(text, store)
    outcomes = {entry.arm: entry.outcome for entry in result.entries}
    assert outcomes == {"trouble=none": "completed", "trouble=die": "failed"}
    assert "the worker died" in next(entry.why for entry in result.entries if entry.outcome == "failed")


@pytest.mark.fault("worker killed or hung")
def test_a_trial_that_hangs_is_timed_out_and_its_slot_is_replaced(store: LocalStore) -> None:
    text = """
study: hanging
trainable: parabola
fixed: {epochs: 3}
resources: {concurrency: 1}
budget: {minutes_per_trial: 0.15}
ablation:
  baseline: {trouble: hang}
  factors: {trouble: [hang, none]}
  seeds: 1
  compare: {metric: test/score}
"""
    result = run_yaml(text, store)
    assert [entry.outcome for entry in result.entries] == ["timed_out", "completed"], result.entries[1].why
    assert result.entries[0].epochs == 1


def test_a_trial_over_its_time_is_timed_out_and_keeps_what_it_reached(store: LocalStore) -> None:
    text = ABLATION.format(fixed="pause: 0.6", levels="0.5", seeds=1).replace("epochs: 3", "epochs: 50")
    result = run_yaml(text + "budget: {minutes_per_trial: 0.15}\n", store)
    assert {entry.outcome for entry in result.entries} == {"timed_out"}
    assert all(1 < entry.epochs < 50 for entry in result.entries)
    assert "more than the 9 s allowed" in result.entries[0].why


def test_a_study_run_again_with_more_seeds_trains_only_the_new_ones(store: LocalStore) -> None:
    first = run_yaml(ABLATION.format(fixed="pause: 0", levels="0.5", seeds=2), store)
    again = run_yaml(ABLATION.format(fixed="pause: 0", levels="0.5", seeds=2), store)
    assert again.entries == first.entries
    more = run_yaml(ABLATION.format(fixed="pause: 0", levels="0.5", seeds=3), store)
    assert len(more.entries) == 6
    assert [entry for entry in more.entries if entry.seed < 2] == first.entries


def test_a_slot_without_another_trial_gives_its_resources_back_while_others_train(store: LocalStore) -> None:
    text = """
study: uneven
trainable: parabola
fixed: {epochs: 60}
ablation:
  baseline: {pause: 0.0}
  factors: {pause: [0.0, 4.0]}
  seeds: 1
  compare: {metric: test/score}
"""
    free: list[float] = []

    def stop_once_free() -> None:
        try:
            wait_until(Ledger(store, RunId("uneven")).keys, "the short trial's end")
            wait_until(lambda: ray.available_resources().get("CPU", 0.0) >= 1.0, "the return of its CPU")
            free.append(ray.available_resources().get("CPU", 0.0))
        finally:
            store.write(stop_path(RunId("uneven")), b"")

    watcher = threading.Thread(target=stop_once_free)
    watcher.start()
    try:
        result = run_yaml(text, store)
    finally:
        join_all(watcher)
    assert len(result.entries) == 1, "the long trial was still under way"
    assert free == [1.0], "free CPUs while only the long trial ran"


def test_the_time_allowed_ends_a_search_without_losing_what_runs(store: LocalStore) -> None:
    text = SEARCH.format(space="{x: {float: [0.0, 1.0]}}", early="none", budget="{hours: 0.002}")
    result = run_yaml(text.replace("epochs: 9", "epochs: 4, pause: 0.2"), store)
    assert 2 <= len(result.entries) < 60
    assert {entry.outcome for entry in result.entries} == {"completed"}


def test_retrying_runs_failed_trials_again(store: LocalStore) -> None:
    text = ABLATION.format(fixed="trouble: raise", levels="0.5", seeds=1)
    assert {entry.outcome for entry in run_yaml(text, store).entries} == {"failed"}
    before = [entry.ended for entry in run_yaml(text, store).entries]
    after = run_yaml(text, store, Options(track=False, retry=("failed",)))
    assert all(entry.ended > max(before) for entry in after.entries)


@pytest.mark.parametrize(("wish", "ends"), [(2, ("pruned", 2)), (3, ("completed", 3))])
def test_no_trial_is_stopped_after_its_last_epoch(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, wish: int, ends: tuple[str, int]
) -> None:
    # as a pruner does whose last rung is the last epoch
    monkeypatch.setattr(AblationSource, "report", lambda self, key, epoch, metrics: epoch == wish)
    result = run_yaml(ABLATION.format(fixed="pause: 0", levels="0.5", seeds=1), store)
    assert {(entry.outcome, entry.epochs) for entry in result.entries} == {ends}
