"""A stored study's policy for checkpoints: what it cites, in which order trials go, and what the commands say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from saddle.archive.retention import apply_policy, plan_for, ranked
from saddle.archive.studies import read_study, settle_study
from saddle.cli.app import app
from saddle.errors import StudyChanged
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.ownership.lock import lock_study
from saddle.study.trainable.loading import load_trainable
from saddle.studyfile.loader import parse_studies
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from tests.support.records import changed, make_record
from tests.support.stored import rewrite_entry

STUDY = """\
study: first
trainable: parabola
search: {x: {float: [0, 1]}}
objective: {maximize: validation/score}
sampler: random
constraints: [validation/cost <= 1]
budget: {trials: 5}
checkpoints: {best: 1, last: false}
"""


def add(store: LocalStore, number: int, score: float, outcome: str = "completed", cost: float = 0.5) -> TrialRecord:
    key = f"trial-{number:05d}"
    checkpoints = Checkpoints.of_trial(store, RunId("first"), key)
    for epoch in (1, 2):
        checkpoints.save(epoch, {"epoch": epoch}, {"validation/score": score}, 1.0, best=epoch == 1)
    best, last = checkpoints.manifest.best, checkpoints.manifest.last
    assert best is not None
    assert last is not None
    entry = make_record(
        key, "first", 0, outcome, {"x": 0.5}, {"x": 0.5}, {"validation/score": score, "validation/cost": cost},
        number=number, checkpoints={"best": best.path, "last": last.path}, curve=checkpoints.manifest.curve, epochs=2,
    )  # fmt: skip
    Ledger(store, RunId("first")).add(entry)
    return entry


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "kept")
    [study] = parse_studies(STUDY, "first.yaml")
    settle_study(store, study, None, fresh=False)
    add(store, 0, 0.5)
    add(store, 1, 0.9)
    add(store, 2, 0.99, "pruned")
    add(store, 3, 0.95, cost=2.0)
    return store


def kept(store: LocalStore) -> dict[str, list[str]]:
    folder = "studies/first/trials"
    return {
        key: [name for name in store.names(f"{folder}/{key}/checkpoints") if name.endswith(".pt")]
        for key in store.names(folder)
    }


def saddle(store: LocalStore, *arguments: str) -> Any:
    return CliRunner().invoke(app, [*arguments, "--storage", str(store.root)])


def test_completed_and_feasible_trials_rank_before_others(store: LocalStore) -> None:
    stored = read_study(store, "first")
    assert stored is not None
    order = ranked(stored.study, load_trainable("parabola"), Ledger(store, RunId("first")).entries())
    assert [entry.number for entry in order] == [1, 0, 3, 2]


def test_the_best_trial_is_cited_and_stays_without_a_place(store: LocalStore) -> None:
    stored = read_study(store, "first")
    assert stored is not None
    [study] = parse_studies(STUDY.replace("best: 1", "best: 0"), "first.yaml")
    again = settle_study(store, study, None, fresh=False)
    assert again.instance == stored.instance, "which checkpoints are kept may change from run to run"
    apply_policy(store, again.read_results(store))
    assert {key: len(names) for key, names in kept(store).items()} == {
        "trial-00000": 0, "trial-00001": 1, "trial-00002": 0, "trial-00003": 0,
    }  # fmt: skip
    assert plan_for(store, again.read_results(store)).removals == ()
    [other] = parse_studies(STUDY.replace("[0, 1]", "[0, 2]"), "first.yaml")
    with pytest.raises(StudyChanged):
        settle_study(store, other, None, fresh=False)


def test_a_trial_whose_images_the_report_shows_stays(store: LocalStore) -> None:
    rewrite_entry(store, changed(Ledger(store, RunId("first")).get("trial-00000"), images={"a": "a.png"}))
    saddle(store, "gc")
    assert [key for key, names in kept(store).items() if names] == ["trial-00000", "trial-00001"]


def test_a_dry_run_shows_and_removes_nothing_and_then_it_is_done(store: LocalStore) -> None:
    before = kept(store)
    [facts] = json.loads(saddle(store, "gc", "--dry-run", "--json").stdout)
    assert kept(store) == before
    assert len(facts["removals"]) == 7
    assert facts["bytes"] == sum(one["bytes"] for one in facts["removals"]) > 0
    assert "would free" in saddle(store, "gc", "first", "--dry-run").stdout
    result = saddle(store, "gc", "first")
    assert (result.exit_code, "not among the best 1" in result.stdout) == (0, True)
    assert kept(store) == {**{key: [] for key in before}, "trial-00001": ["epoch-00001.pt"]}
    assert "nothing to remove" in saddle(store, "gc").stdout
    assert facts["kept_bytes"] == store.size("studies/first/trials/trial-00001/checkpoints/epoch-00001.pt")


def test_a_removed_checkpoint_is_said_to_have_been_removed_and_when(store: LocalStore) -> None:
    saddle(store, "gc")
    for command in (("evaluate", "first/0"), ("export", "first", "--trial", "0", "--to", str(store.root / "to"))):
        result = saddle(store, *command)
        assert result.exit_code == 2
        assert "no best checkpoint of first/trial-00000 is kept: it was removed on 20" in result.stderr
        assert "not among the best 1" in result.stderr
    assert "first/trial-00001" in saddle(store, "evaluate", "first/1", "--json").stdout


def test_a_study_that_somebody_runs_is_left_alone(store: LocalStore) -> None:
    before = kept(store)
    with lock_study(store, RunId("first")):
        named = saddle(store, "gc", "first")
        all_of_them = saddle(store, "gc")
        dry = saddle(store, "gc", "first", "--dry-run")
    assert (named.exit_code, "another driver" in named.stderr) == (2, True)
    assert (all_of_them.exit_code, "first: left alone: another driver" in all_of_them.stdout) == (0, True)
    assert "would free" in dry.stdout
    assert kept(store) == before


def test_a_study_without_a_policy_keeps_everything(store: LocalStore) -> None:
    [study] = parse_studies(STUDY.replace("checkpoints: {best: 1, last: false}\n", ""), "first.yaml")
    settle_study(store, study, None, fresh=False)
    before = kept(store)
    assert "keeps every checkpoint" in saddle(store, "gc").stdout
    assert kept(store) == before


def test_a_study_set_aside_goes_only_by_name(store: LocalStore) -> None:
    [study] = parse_studies(STUDY, "first.yaml")
    settle_study(store, study, None, fresh=True)
    [aside] = [name for name in store.names("studies") if "@" in name]
    assert saddle(store, "gc").exit_code == 0
    assert store.exists(f"studies/{aside}/study.yaml")
    wrong = saddle(store, "gc", "first@yesterday")
    assert (wrong.exit_code, f"set aside are: {aside}" in wrong.stderr) == (2, True)
    assert "would free" in saddle(store, "gc", aside, "--dry-run").stdout
    assert store.exists(f"studies/{aside}/study.yaml")
    assert "freed" in saddle(store, "gc", aside).stdout
    assert not store.exists(f"studies/{aside}")
