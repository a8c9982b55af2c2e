from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from saddle.search.optuna_search import OptunaSearch
from saddle.search.storage import open_journal
from saddle.study.models import Study
from saddle.trial.outcome import Outcome
from saddle.trial.run_id import RunId
from saddle.trial.spec import TrialSpec
from saddle_contracts.trial_source import TrialSourceContract, entry_of

BASE = {
    "study": "s",
    "trainable": "parabola",
    "search": {"x": {"float": [0.0, 1.0]}},
    "objective": {"maximize": "validation/score"},
    "sampler": {"tpe": {"startup_trials": 4}},
    "budget": {"trials": 6},
}


def make_study(**changes: Any) -> Study:
    return Study.model_validate({**BASE, **changes})


def opened(path: Path, finished: Any = None, **changes: Any) -> OptunaSearch:
    study = make_study(**changes)
    return OptunaSearch(study, RunId("s"), open_journal(path / "optuna.journal"), finished or {}, known=study.settings)


def take(source: OptunaSearch) -> TrialSpec:
    proposal = source.next()
    assert proposal is not None
    return proposal


class TestOptunaProposals(TrialSourceContract):
    @pytest.fixture
    def open_source(self, tmp_path: Path) -> Any:
        return lambda finished: opened(tmp_path, finished)


class TestGridProposals(TrialSourceContract):
    @pytest.fixture
    def open_source(self, tmp_path: Path) -> Any:
        space = {"x": {"float": [0.0, 1.0]}, "mode": {"choice": ["plain", "curved"]}}
        return lambda finished: opened(tmp_path, finished, search=space, sampler={"grid": {"points": 3}}, budget={})


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes", "nsga2", "random", "qmc", "grid"])
def test_every_sampler_searches_within_the_ranges(tmp_path: Path, sampler: str) -> None:
    space = {"x": {"float": [0.1, 10.0], "log": True}, "n": {"int": [1, 9]}, "h": {"float": [0.0, 1.0], "step": 0.25}}
    options = {"startup_trials": 3} if sampler in ("tpe", "gp", "cmaes") else {}
    source = opened(tmp_path, search=space, sampler={sampler: options}, budget={"trials": 8})
    drawn = []
    while (proposal := source.next()) is not None:
        drawn.append(proposal.settings)
        source.finish(entry_of(proposal, **{"validation/score": -abs(proposal.settings["x"] - 1)}))
    assert len(drawn) == 8
    assert all(0.1 <= d["x"] <= 10 and 1 <= d["n"] <= 9 and d["h"] in (0, 0.25, 0.5, 0.75, 1) for d in drawn)
    assert all(isinstance(d["n"], int) for d in drawn)
    assert len({str(d) for d in drawn}) == 8


EXPECTED = {
    Outcome.COMPLETED: TrialState.COMPLETE,
    Outcome.PRUNED: TrialState.PRUNED,
    Outcome.COLLAPSED: TrialState.PRUNED,
    Outcome.DIVERGED: TrialState.PRUNED,
    Outcome.FAILED: TrialState.FAIL,
    Outcome.TIMED_OUT: TrialState.FAIL,
    Outcome.PREEMPTED: TrialState.RUNNING,
}


@pytest.mark.parametrize("outcome", list(Outcome))
def test_optuna_hears_what_the_outcome_table_says(tmp_path: Path, outcome: Outcome) -> None:
    source = opened(tmp_path)
    proposal = take(source)
    source.finish(entry_of(proposal, outcome, **{"validation/score": 0.5}))
    [trial] = source.optuna.trials
    assert trial.state == EXPECTED[outcome]
    if outcome is not Outcome.PREEMPTED:
        failed = outcome in (Outcome.COLLAPSED, Outcome.DIVERGED)
        assert trial.constraints == {"method": 1.0 if failed else 0.0}
        assert trial.user_attrs["outcome"] == outcome


def share_far_beyond(path: Path, failure: Outcome) -> float:
    """How many of the later proposals lie far in the region x > 0.6, where trials end as `failure`.

    The objective rises towards that region, so only a violation can turn the sampler away from it.
    """
    far = []
    for seed in range(3):
        sampler = {"tpe": {"startup_trials": 10, "seed": seed}}
        source = opened(path / f"{failure}-{seed}", budget={"trials": 50}, sampler=sampler)
        for index in range(50):
            proposal = take(source)
            x = proposal.settings["x"]
            source.report(proposal.key, 1, {"validation/score": x})
            # elsewhere trials are stopped early, which Optuna calls PRUNED like those where the method failed
            outcome = failure if x > 0.6 else Outcome.PRUNED
            source.finish(entry_of(proposal, outcome, **{"validation/score": x}))
            far += [x > 0.8] if index >= 25 else []
    return sum(far) / len(far)


def test_the_sampler_learns_to_avoid_where_the_method_fails(tmp_path: Path) -> None:
    diverging = share_far_beyond(tmp_path, Outcome.DIVERGED)
    merely_stopped = share_far_beyond(tmp_path, Outcome.PRUNED)
    assert diverging < 0.15, "uniform draws would go there one time in five"
    assert merely_stopped > 2 * diverging


def test_constraints_reach_optuna_by_name(tmp_path: Path) -> None:
    source = opened(tmp_path, constraints=["validation/accuracy >= 0.9", "validation/cost <= 2"])
    source.finish(entry_of(take(source), **{"validation/score": 1, "validation/accuracy": 0.8}))
    found = source.optuna.trials[0].constraints
    assert list(found) == [*map(str, source.study.constraints), "method"]
    assert list(found.values()) == [pytest.approx(0.1), 1.0, 0.0], "an unmeasured constraint counts as violated"


@pytest.mark.parametrize(
    "early",
    [{"asha": {"grace_epochs": 1, "reduction_factor": 2}}, {"hyperband": {}}, {"median": {"startup_trials": 2}}],
)
def test_a_bad_trial_is_stopped_and_a_good_one_is_not(tmp_path: Path, early: dict[str, Any]) -> None:
    source = opened(tmp_path, early_stopping=early, budget={"trials": 30}, sampler="random")
    stopped = {0.0: 0, 1.0: 0}
    for index in range(30):
        proposal = take(source)
        quality = float(index % 2)
        for epoch in range(1, 10):
            if source.report(proposal.key, epoch, {"validation/score": quality + 0.001 * epoch}):
                stopped[quality] += 1
                source.finish(entry_of(proposal, Outcome.PRUNED))
                break
        else:
            source.finish(entry_of(proposal, **{"validation/score": quality}))
    assert stopped[0.0] >= 8
    assert stopped[1.0] < stopped[0.0]


def test_without_early_stopping_nothing_is_stopped(tmp_path: Path) -> None:
    source = opened(tmp_path)
    for _ in range(6):
        proposal = take(source)
        assert not any(source.report(proposal.key, epoch, {"validation/score": -epoch}) for epoch in range(1, 20))
        source.finish(entry_of(proposal, **{"validation/score": -1.0}))


def test_a_conditional_parameter_is_drawn_only_under_its_condition(tmp_path: Path) -> None:
    space = {
        "bend": {"float": [0, 1], "when": {"mode": "curved"}},
        "mode": {"choice": ["plain", "curved"]},
    }
    source = opened(tmp_path, search=space, budget={"trials": 20}, sampler="random")
    drawn = [take(source).settings for _ in range(20)]
    assert {d["mode"] for d in drawn} == {"plain", "curved"}
    assert all(("bend" in d) == (d["mode"] == "curved") for d in drawn)


def test_a_condition_may_name_a_fixed_setting(tmp_path: Path) -> None:
    space = {"bend": {"float": [0, 1], "when": {"mode": ["curved", "other"]}}, "x": {"float": [0, 1]}}
    assert "bend" in take(opened(tmp_path / "a", search=space, fixed={"mode": "curved"})).settings
    assert "bend" not in take(opened(tmp_path / "b", search=space, fixed={"mode": "plain"})).settings


def test_several_objectives_are_told_together(tmp_path: Path) -> None:
    objective = [{"maximize": "validation/score"}, {"minimize": "validation/cost"}]
    source = opened(tmp_path, objective=objective, sampler={"nsga2": {"population_size": 4}})
    source.finish(entry_of(take(source), **{"validation/score": 0.5, "validation/cost": 2.0}))
    source.finish(entry_of(take(source), Outcome.DIVERGED))
    assert source.optuna.trials[0].values == [0.5, 2.0]
    assert source.optuna.trials[1].state == TrialState.PRUNED


def test_what_the_ledger_knows_and_optuna_does_not_is_told_on_opening(tmp_path: Path) -> None:
    before = opened(tmp_path)
    proposal = take(before)  # the driver dies after the ledger's write, before the tell
    again = opened(tmp_path, {proposal.key: entry_of(proposal, **{"validation/score": 0.25})})
    assert again.optuna.trials[0].values == [0.25]
    assert take(again).number == 1


def test_a_resumed_search_does_not_repeat_its_random_draws(tmp_path: Path) -> None:
    seen = []
    for _ in range(4):
        source = opened(tmp_path, sampler={"random": {"seed": 3}})
        proposal = take(source)
        source.finish(entry_of(proposal, **{"validation/score": 0.0}))
        seen.append(proposal.settings["x"])
    assert len(set(seen)) == 4


def test_the_same_seed_draws_the_same_trials(tmp_path: Path) -> None:
    first, second = (take(opened(tmp_path / name, sampler={"tpe": {"seed": 7}})).settings for name in "ab")
    other = take(opened(tmp_path / "c", sampler={"tpe": {"seed": 8}})).settings
    assert first == second != other


def test_a_trial_killed_before_it_had_parameters_does_not_come_back(tmp_path: Path) -> None:
    before = opened(tmp_path)
    before.optuna.ask()  # killed here: asked, nothing drawn, nothing promised to anyone
    again = opened(tmp_path)
    assert again.optuna.trials[0].state == TrialState.FAIL
    keys = []
    while (proposal := again.next()) is not None:
        keys.append(proposal.number)
        again.finish(entry_of(proposal, **{"validation/score": 0.0}))
    assert keys == [1, 2, 3, 4, 5, 6]


def test_a_retried_trial_is_run_once_more_with_its_settings_beyond_the_budget(tmp_path: Path) -> None:
    source = opened(tmp_path, budget={"trials": 2})
    failed = take(source)
    entries = {failed.key: entry_of(failed, Outcome.FAILED)}
    source.finish(entries[failed.key])
    again = opened(tmp_path, entries, budget={"trials": 2})
    for _ in range(2):  # asking twice retries once
        again.retry(list(entries.values()))
    assert again.total == 3
    assert take(again).settings == failed.settings
    take(again)
    assert again.next() is None


def test_a_truncated_journal_opens_with_what_is_whole(tmp_path: Path) -> None:
    source = opened(tmp_path)
    proposal = take(source)
    source.finish(entry_of(proposal, **{"validation/score": 0.5}))
    path = tmp_path / "optuna.journal"
    path.write_bytes(path.read_bytes() + b'{"op_code": 5, "study_')
    again = opened(tmp_path, {proposal.key: entry_of(proposal, **{"validation/score": 0.5})})
    assert again.optuna.trials[0].values == [0.5]
    assert take(again).number == 1


def test_nan_is_never_stored_as_a_result(tmp_path: Path) -> None:
    source = opened(tmp_path, early_stopping="asha")
    proposal = take(source)
    assert source.report(proposal.key, 1, {"validation/score": math.nan}) is False
    source.finish(entry_of(proposal, Outcome.DIVERGED))
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(tmp_path / "optuna.journal"))
    )
    [trial] = optuna.load_study(study_name="s", storage=storage).trials
    assert trial.values is None
    assert trial.intermediate_values == {}
