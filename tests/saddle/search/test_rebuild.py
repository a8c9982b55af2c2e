"""A search whose Optuna storage is gone continues from the ledger as if nothing had happened."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import FrozenTrial, TrialState

from saddle.search.optuna_search import SETTINGS, OptunaSearch
from saddle.search.rebuild import rebuild
from saddle.search.storage import open_journal
from saddle.search.unfinished import begun_trials, write_settings
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.local import LocalStore
from saddle.study.models import Study
from saddle.trial.outcome import Outcome
from saddle.trial.progress import TrialProgress
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from tests.support.records import make_record

RUN = RunId("s")
SPACE = {
    "x": {"float": [0.01, 1.0], "log": True},
    "n": {"int": [1, 9]},
    "h": {"float": [0.0, 1.0], "step": 0.25},
    "mode": {"choice": ["plain", "curved"]},
    "bend": {"float": [0, 1], "when": {"mode": "curved"}},
}
FLAT = {"x": {"float": [0.0, 1.0]}, "y": {"float": [0.0, 1.0]}}
POINTS = {"x": {"float": [0.0, 1.0]}, "mode": {"choice": ["plain", "curved"]}}
EPOCHS = 4


def make_study(**changes: Any) -> Study:
    base = {
        "study": "s",
        "trainable": "parabola",
        "search": SPACE,
        "objective": {"maximize": "validation/score"},
        "constraints": ["validation/cost <= 0.8"],
        "sampler": {"tpe": {"startup_trials": 4}},
        "budget": {"trials": 40},
    }
    return Study.model_validate({**base, **changes})


class Searching:
    """A search that is run two trials at a time, with the ledger entries that it leaves behind."""

    def __init__(self, study: Study, folder: Path) -> None:
        self.study, self.folder = study, folder
        self.entries: dict[str, TrialRecord] = {}
        self.clock = 1_700_000_000.0
        self.source = self.opened("live")

    def opened(self, name: str) -> OptunaSearch:
        storage = open_journal(self.folder / name)
        return OptunaSearch(self.study, RUN, storage, self.entries, known=self.study.settings)

    def tick(self) -> float:
        self.clock += 1.0
        return self.clock

    def run(self, trials: int, unfinished: int = 0) -> dict[int, TrialProgress | None]:
        """Train so many trials; the last `unfinished` of them have begun and not ended."""
        begun: dict[int, TrialProgress | None] = {}
        for pair in range(0, trials, 2):
            drawn = [(proposal, self.tick()) for _ in range(2) if (proposal := self.source.next()) is not None]
            curves: dict[str, list[dict[str, float]]] = {proposal.key: [] for proposal, _ in drawn}
            times: dict[str, list[float]] = {proposal.key: [] for proposal, _ in drawn}
            ended = {}
            for epoch in range(1, EPOCHS + 1):
                for proposal, _ in drawn:
                    if proposal.key not in ended:
                        curves[proposal.key].append(measure(proposal.settings, epoch))
                        times[proposal.key].append(self.tick())
                        if self.source.report(proposal.key, epoch, curves[proposal.key][-1]):
                            ended[proposal.key] = Outcome.PRUNED
            for index, (proposal, started) in enumerate(drawn):
                assert proposal.number is not None
                curve, when = curves[proposal.key], times[proposal.key]
                if pair + index >= trials - unfinished:
                    begun[proposal.number] = TrialProgress(proposal, started, curve=curve, times=when)
                    continue
                turn = {3: Outcome.DIVERGED, 5: Outcome.FAILED}.get(proposal.number, Outcome.COMPLETED)
                self.entries[proposal.key] = make_record(
                    key=proposal.key, study="s", seed=0, outcome=str(ended.get(proposal.key, turn)),
                    params=dict(proposal.settings), settings=dict(sorted(proposal.settings.items())),
                    metrics=curve[-1], number=proposal.number, curve=curve, times=when,
                    started=started, ended=self.tick(),
                )  # fmt: skip
                self.source.finish(self.entries[proposal.key])
        return begun


def measure(settings: Any, epoch: int) -> dict[str, float]:
    x = float(settings.get("x", 0.5))
    return {"validation/score": 1 - (x - 0.3) ** 2 - 1 / epoch, "validation/cost": x, "train/loss": math.nan}


def facts(trial: FrozenTrial) -> dict[str, Any]:
    """Everything that samplers and pruners look at."""
    names = ("number", "state", "values", "params", "distributions", "intermediate_values", "constraints", "user_attrs")
    notes = {name: value for name, value in trial.system_attrs.items() if ":relative_params" not in name}
    return {**{name: getattr(trial, name) for name in names}, "system_attrs": notes}


CASES = {
    "tpe": {},
    "tpe asha": {"early_stopping": {"asha": {"grace_epochs": 1, "reduction_factor": 2}}},
    "hyperband": {"early_stopping": {"hyperband": {"reduction_factor": 2}}, "search": FLAT},
    "median": {"early_stopping": {"median": {"startup_trials": 2}}, "sampler": {"random": {"seed": 3}}},
    "nsga2": {"sampler": {"nsga2": {"population_size": 4}}, "search": FLAT},
    "qmc": {"sampler": {"qmc": {"seed": 2}}, "search": FLAT},
    "gp": {"sampler": {"gp": {"startup_trials": 4}}, "search": FLAT},
    "grid": {"sampler": {"grid": {"points": 8}}, "search": POINTS, "budget": {}},
    "two objectives": {
        "objective": [{"maximize": "validation/score"}, {"minimize": "validation/cost"}],
        "sampler": {"nsga2": {"population_size": 4}},
    },
}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_a_rebuilt_search_is_the_same_and_goes_on_the_same(tmp_path: Path, changes: dict[str, Any]) -> None:
    search = Searching(make_study(**changes), tmp_path)
    begun = search.run(14, unfinished=1)
    asked = len(search.source.optuna.trials)  # 14, and in between those that the sampler repeated
    assert rebuild(search.study, open_journal(tmp_path / "new"), "s", search.entries.values(), begun) == asked
    before, after = search.opened("live"), search.opened("new")
    for old, new in zip(before.optuna.trials, after.optuna.trials, strict=True):
        if SETTINGS not in old.user_attrs:
            assert (new.state, new.user_attrs) == (TrialState.FAIL, {})
            continue
        assert facts(old) == facts(new)
        assert list(old.params) == list(new.params), "in the order in which they were drawn"
    assert before.total == after.total
    notes = [storage.get_study_system_attrs(0) for storage in (before.storage, after.storage)]
    assert notes[0] == notes[1]
    for _ in range(3):  # the one that had begun, then new ones
        old_next, new_next = before.next(), after.next()
        assert old_next == new_next
        assert old_next is not None
        for source in (before, after):
            source.report(old_next.key, EPOCHS + 1, measure(old_next.settings, EPOCHS + 1))


def test_only_what_is_missing_is_added(tmp_path: Path) -> None:
    search = Searching(make_study(), tmp_path)
    search.run(4)
    rebuild(search.study, open_journal(tmp_path / "new"), "s", list(search.entries.values())[:2], {})
    size = (tmp_path / "new").stat().st_size
    assert rebuild(search.study, open_journal(tmp_path / "new"), "s", search.entries.values(), {}) == 2
    assert (tmp_path / "new").stat().st_size > size
    assert rebuild(search.study, open_journal(tmp_path / "new"), "s", search.entries.values(), {}) == 0
    assert [facts(t) for t in search.opened("live").optuna.trials] == [
        facts(t) for t in search.opened("new").optuna.trials
    ]


def test_a_key_whose_settings_are_lost_is_never_used_again(tmp_path: Path) -> None:
    search = Searching(make_study(), tmp_path)
    search.run(4)
    lost = search.entries.pop("trial-00001")
    folder = {6: None}  # with a checkpoint of nobody knows which configuration
    rebuild(search.study, open_journal(tmp_path / "new"), "s", search.entries.values(), folder)
    after = search.opened("new")
    states = [trial.state for trial in after.optuna.trials]
    assert [states[n] for n in (1, 4, 5, 6)] == [TrialState.FAIL] * 4
    proposal = after.next()
    assert proposal is not None
    assert proposal.number == 7
    assert lost.number == 1


def test_retries_stay_beyond_the_budget(tmp_path: Path) -> None:
    search = Searching(make_study(budget={"trials": 6}), tmp_path)
    search.run(6)
    search.source.retry([search.entries["trial-00005"]])
    search.run(1)
    assert search.entries["trial-00006"].settings == search.entries["trial-00005"].settings
    rebuild(search.study, open_journal(tmp_path / "new"), "s", search.entries.values(), {})
    after = search.opened("new")
    assert after.total == 7
    assert after.next() is None
    after.retry([search.entries["trial-00005"]])
    assert after.next() is None, "it was retried already"


def test_what_a_trial_was_given_is_found_in_the_store(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    search = Searching(make_study(), tmp_path)
    source = [search.source.next() for _ in range(3)]
    for proposal in source:
        assert proposal is not None
        write_settings(store, proposal)
    Checkpoints.of_trial(store, RUN, "trial-00001").save(1, {}, {"validation/score": 0.5}, 1.0, best=True)
    store.write("studies/s/trials/trial-00002/proposal.json", b'{"number": 2, "sett')
    store.write("studies/s/trials/something-else/x", b"")
    begun = begun_trials(store, RUN, {"trial-00000"})
    assert list(begun) == [1, 2]
    assert begun[1] is not None
    assert (begun[1].spec, list(begun[1].curve)) == (source[1], [{"validation/score": 0.5}])
    assert len(begun[1].times) == 1
    assert begun[2] is None
