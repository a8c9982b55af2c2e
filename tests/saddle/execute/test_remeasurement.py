"""Stored checkpoints measured again: nothing is trained, the new numbers count everywhere, a stopped one continues."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from saddle.archive.rows import study_rows
from saddle.archive.studies import read_study, refuse_changes
from saddle.errors import EvaluationChanged, StudyChanged, UserError
from saddle.execute import remeasurement_task
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from saddle.verify.verify_study import verify_study
from tests.support.in_process import measure_in_process, run_in_process
from trainables import adversarial_training
from trainables.contract import Report

pytestmark = pytest.mark.long

STUDY = """
study: tiny
question: Does MP beat STA?
trainable: adversarial_training
fixed: {dataset: digits, tasks: [odd_even], epochs: 2, train_size: 300, test_size: 60, width: 4}
evaluate: {attacks: [fgsm]}
ablation:
  baseline: {perturbation: sta}
  design: one_factor
  factors: {perturbation: [sta, mp]}
  seeds: 3
  compare: {metric: test/robust_accuracy.worst_case}
"""
STRONGER = STUDY.replace("[fgsm]", "[fgsm, pgd]")
WORST = "test/robust_accuracy.worst_case"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> LocalStore:
    """A storage in which the study has run, tracked in MLflow; copied by who changes it."""
    store = LocalStore(tmp_path_factory.mktemp("trained"))
    run_in_process(store, STUDY.replace("seeds: 3", "seeds: 2"), track=False)
    return store


@pytest.fixture
def store(trained: LocalStore, tmp_path: Path) -> LocalStore:
    shutil.copytree(trained.root, tmp_path / "elsewhere")
    return LocalStore(tmp_path / "elsewhere")


def entries_of(store: LocalStore) -> dict[str, TrialRecord]:
    return {entry.key: entry for entry in Ledger(store, RunId("tiny"))}


def test_the_new_numbers_count_and_the_old_ones_stay(store: LocalStore) -> None:
    before = entries_of(store)
    found = measure_in_process(store, "tiny", "attacks=[fgsm, pgd]")
    after = entries_of(store)
    assert len(found.measured) == 4
    assert not found.left_out
    for key, entry in after.items():
        assert entry.measured_params["attacks"] == ["fgsm", "pgd"]
        assert entry.metrics[WORST] <= before[key].metrics[WORST]
        assert entry.metrics["test/robust_accuracy.fgsm"] == before[key].metrics["test/robust_accuracy.fgsm"]
        assert entry.metrics["validation/clean_accuracy"] == before[key].metrics["validation/clean_accuracy"]
        assert entry.earlier[0].metrics[WORST] == before[key].metrics[WORST]
        assert "predictions.pgd" in entry.arrays
    assert any(after[key].metrics[WORST] < before[key].metrics[WORST] for key in after)
    assert not verify_study(store, RunId("tiny")).differences
    row = next(row for row in study_rows(store, read_study(store, "tiny")) if row["seed"] == 0)
    assert row["evaluation"] == {"attacks": ["fgsm", "pgd"]}
    assert row["earlier"][0]["evaluation"] == {}
    page = store.read("studies/tiny/report.html").decode()
    assert "measured again" in page
    assert "attacks = [fgsm, pgd]" in page


def test_a_stopped_one_goes_on_with_what_is_left_and_compares_only_what_is_measured_alike(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_after_one(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_in_process(store, "tiny", "attacks=pgd", on_measured=stop_after_one)
    stored = read_study(store, "tiny")
    assert stored is not None
    half = stored.read_results(store).answer
    assert half.warnings[0].startswith("3 of 4 completed trials are not measured again with attacks = [pgd] yet")
    assert sum(row[2] == "–" for row in half.rows) == 1, "the arm without any such trial has no mean"
    found = measure_in_process(store, "tiny")
    assert (len(found.measured), found.already) == (3, 1)
    whole = stored.read_results(store).answer
    assert not any("not measured again" in warning for warning in whole.warnings)
    assert measure_in_process(store, "tiny").measured == []
    assert len(measure_in_process(store, "tiny", anew=True).measured) == 4


def test_a_file_that_changes_only_the_evaluation_names_the_command_and_goes_on_after_it(store: LocalStore) -> None:
    stored = read_study(store, "tiny")
    assert stored is not None
    [stronger] = parse_studies(STRONGER, "x.yaml")
    with pytest.raises(EvaluationChanged) as refused:
        refuse_changes(store, stored, stronger)
    said = str(refused.value)
    assert "evaluate.attacks: ['fgsm'] → ['fgsm', 'pgd']" in said
    assert f"""saddle evaluate tiny --all --set 'attacks=["fgsm", "pgd"]' --storage {store.url}""" in said
    [other] = parse_studies(STRONGER.replace("width: 4", "width: 5"), "x.yaml")
    with pytest.raises(StudyChanged):
        refuse_changes(store, stored, other)

    measure_in_process(store, "tiny", 'attacks=["fgsm", "pgd"]')
    run_in_process(store, STRONGER, track=False)  # with a third seed
    after = entries_of(store)
    assert len(after) == 6
    assert {tuple(entry.params["attacks"]) for entry in after.values()} == {("fgsm",)}, "all are trained alike"
    assert {tuple(entry.measured_params["attacks"]) for entry in after.values()} == {("fgsm", "pgd")}
    assert not verify_study(store, RunId("tiny")).differences


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("lr=0.1", "--set lr: it changes how networks are trained"),
        ("perturbation=mp", "--set perturbation: it changes how networks are trained"),
        ("attaks=pgd", "did you mean attacks?"),
        ("attack_steps=-1", "--set attack_steps"),
    ],
)
def test_what_can_not_be_set_is_refused_before_anything_is_measured(store: LocalStore, change: str, said: str) -> None:
    with pytest.raises(UserError, match=said.replace("?", r"\?")):
        measure_in_process(store, "tiny", change)
    assert read_study(store, "tiny").evaluation.settings == {}  # type: ignore[union-attr]


def test_a_trial_without_a_checkpoint_keeps_its_numbers_and_is_named(store: LocalStore) -> None:
    lost = next(iter(entries_of(store).values()))
    store.delete(lost.checkpoints["best"])
    found = measure_in_process(store, "tiny", "attacks=pgd")
    assert list(found.left_out) == [lost.key]
    assert "no best checkpoint" in found.left_out[lost.key]
    assert entries_of(store)[lost.key].metrics == lost.metrics
    assert len(found.measured) == 3


def test_a_trainable_that_goes_on_gets_what_was_measured_before(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Report] = []

    def reevaluate(config: Any, state: Any, run: Any, earlier: Report) -> Report:
        given.append(earlier)
        found = adversarial_training.evaluate(config, state, run)
        return Report(found.metrics, arrays=found.arrays, fingerprints={"attacks": {"pgd": {"order": 1}}})

    monkeypatch.setattr(adversarial_training, "reevaluate", reevaluate, raising=False)
    before = entries_of(store)
    measure_in_process(store, "tiny", "attacks=pgd")
    assert len(given) == 4
    assert all({"labels", "predictions.clean", "predictions.fgsm"} <= set(report.arrays) for report in given)
    assert sorted(r.metrics[WORST] for r in given) == sorted(entry.metrics[WORST] for entry in before.values())
    after = entries_of(store)
    assert all(entry.fingerprints["attacks"] == {"pgd": {"order": 1}} for entry in after.values())
    assert all("sources" in entry.fingerprints[remeasurement_task.MEASURED_WITH] for entry in after.values())


def test_arms_that_differ_in_a_field_are_not_all_given_one_value(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    text = STUDY.replace("{perturbation: [sta, mp]}", "{attack_steps: [1, 2]}").replace("[fgsm]", "[pgd]")
    run_in_process(store, text.replace("seeds: 3", "seeds: 1"), track=False)
    with pytest.raises(UserError, match="differ in attack_steps"):
        measure_in_process(store, "tiny", "attack_steps=3")
    stored = read_study(store, "tiny")
    assert stored is not None
    answer = stored.read_results(store).answer
    assert any("measured with different attack_steps (1 and 2)" in warning for warning in answer.warnings)


def test_a_damaged_evaluation_is_named(store: LocalStore) -> None:
    store.write("studies/tiny/evaluation.json", b"{")
    with pytest.raises(UserError, match=r"evaluation\.json is damaged"):
        read_study(store, "tiny")
    store.write("studies/tiny/evaluation.json", json.dumps({"settings": {}, "since": 0}).encode())
    assert read_study(store, "tiny") is not None
