"""What `saddle plan` says before anything runs: arms, trials, time, disk, and what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from saddle.archive.studies import settle_study
from saddle.execute.estimates import OPERATIONS_PER_SECOND, estimate_trial
from saddle.execute.planning import plan_study
from saddle.store.entry import Entry
from saddle.store.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.study.loader import load_studies, parse_studies
from saddle.study.trainables import load_trainable

PARABOLA = """\
study: mine
trainable: parabola
fixed: {epochs: 4}
search: {x: {float: [0, 1]}}
objective: {maximize: validation/score}
sampler: random
budget: {trials: 5}
"""


def entry(key: str, **changes: Any) -> Entry:
    params = {"x": 0.5, "epochs": 4}
    facts = {"seed": 0, "outcome": "completed", "params": params, "settings": {}, "metrics": {}, "epochs": 4}
    return Entry(key=key, study="mine", **{**facts, "seconds": 8.0, **changes})


def test_the_quickstart_is_planned_on_a_fresh_machine(saddle) -> None:
    search, ablation = json.loads(saddle("plan", "quickstart", "--json").stdout)
    assert (search["trials"], ablation["trials"]) == (12, 9)
    assert [arm["perturbation"] for arm in ablation["arms"]] == ["sta", "mta", "mp"]
    assert ablation["seeds"] == [0, 1, 2]
    assert "lr" not in search["assumed"], "what is searched rests on no default"
    assert 5 < search["seconds"] < 1000
    assert 1e5 < search["bytes"] < 1e8
    assert any("exact permutation test can't go below p = 0.25" in note for note in ablation["notes"])
    assert any("best of quickstart-search" in note for note in ablation["notes"])
    assert not Path("runs").exists(), "a plan leaves nothing behind"


def test_a_plan_for_people_says_the_same(saddle) -> None:
    shown = saddle("plan", "quickstart").stdout
    for part in ("0.0005 … 0.02 (log)", "12 trials by tpe, early stopping: asha", "3 arms × 3 paired seeds = 9 trials"):
        assert part in shown
    assert ", if no trial stops early; disk: " in shown


def test_more_seeds_take_longer(saddle) -> None:
    three, eight = (
        json.loads(saddle("plan", "quickstart", "--set", f"quickstart-ablation:ablation.seeds={n}", "--json").stdout)[1]
        for n in (3, 8)
    )
    assert eight["trials"] == 24
    assert eight["seconds"] > 2 * three["seconds"] - 10
    assert not any("permutation" in note for note in eight["notes"])


def test_data_that_is_not_here_is_a_note_not_an_error(saddle, tmp_path: Path) -> None:
    result = saddle("plan", "quickstart", "--set", "fixed.dataset=mnist", "--data-root", tmp_path)
    assert result.exit_code == 0
    assert f"mnist is not in {tmp_path}; get it with: saddle data fetch mnist" in result.stdout


def test_operations_are_counted_until_a_trial_was_measured(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    [search, _] = load_studies("quickstart")
    method = load_trainable("adversarial_training")
    plan = plan_study(search, store)
    operations, state = method.estimate(method.Config.model_validate(plan.config))
    assert plan.per_trial.seconds == pytest.approx(operations / OPERATIONS_PER_SECOND)
    assert plan.per_trial.bytes > 3 * state
    assert plan.per_trial.basis.startswith("counted")


def test_time_and_disk_are_measured_on_earlier_trials(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    [study] = parse_studies(PARABOLA, "mine.yaml")
    method = load_trainable("parabola")
    configs = [method.Config(epochs=4)]
    unknown = estimate_trial(store, "parabola", method, configs)
    assert (unknown.seconds, unknown.bytes) == (None, None)
    assert unknown.basis == "unknown until a trial of parabola has run in this storage"

    settle_study(store, study, None, fresh=False)
    ledger = Ledger(store, "mine")
    ledger.add(entry("trial-00000"))
    ledger.add(entry("trial-00001", epochs=2, seconds=4.0, outcome="pruned"))
    ledger.add(entry("trial-00002", params={"x": 0.5, "gone": 1}, seconds=500.0))
    ledger.add(entry("trial-00003", epochs=0, seconds=0.0, outcome="failed"))
    store.write("studies/mine/trials/trial-00000/checkpoints/epoch-00004.pt", bytes(1000))
    measured = estimate_trial(store, "parabola", method, [method.Config(epochs=10)])
    assert measured.seconds == pytest.approx(20.0), "two seconds an epoch; a configuration of old is left out"
    assert measured.basis == "measured on 3 earlier trials in this storage"
    plan = plan_study(study, store)
    assert (plan.trials, plan.done) == (5, 4)
    assert 8 < plan.seconds < 20


def test_a_study_that_cannot_be_read_hides_no_other(saddle, tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "runs")
    [study] = parse_studies(PARABOLA, "mine.yaml")
    settle_study(store, study, None, fresh=False)
    store.write("studies/odd/study.yaml", b"study: odd\ntrainable: uninstalled\n")
    store.write("studies/odd/instance.json", b'{"instance": "1", "baseline": null}')
    store.write("studies/torn/study.yaml", PARABOLA.replace("mine", "torn").encode())
    store.write("studies/torn/instance.json", b"{")
    rows = {row["study"]: row for row in json.loads(saddle("studies", "--json").stdout)}
    assert rows["mine"]["kind"] == "search"
    assert "unknown trainable 'uninstalled'" in rows["odd"]["question"]
    assert "instance.json is damaged" in rows["torn"]["question"]
    assert saddle("results", "torn").exit_code == 2
    Path("mine.yaml").write_text(PARABOLA)
    assert saddle("plan", "mine.yaml").exit_code == 0
