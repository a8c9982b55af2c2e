"""Trials of two codes are not mixed silently: an extension is refused with the difference, or accepted and said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from saddle import api
from saddle.archive.studies import StoredStudy, read_study, settle_study
from saddle.design import replicates_of_study
from saddle.errors import CodeChanged
from saddle.execute import driver
from saddle.execute.fingerprint import fingerprint_environment, fingerprint_sources
from saddle.execute.plan.changed_code import changed_code
from saddle.execute.plan.checking_run import CheckingRun
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.ownership.fence import NO_LOCK
from saddle.store.run_files.source_archive import write_sources
from saddle.study.models import Study
from saddle.study.trainable.loading import load_trainable
from saddle.study.trainable.own_sources import forget_own_modules
from saddle.studyfile.loader import load_studies, parse_studies
from saddle.trial.record import TrialRecord
from tests.support.records import make_record
from tests.support.stored import rewrite_entry
from trainables.contract import resolve

STUDY = """
study: s
trainable: parabola
ablation:
  baseline: {x: 0.3}
  factors: {mode: [plain, curved]}
  seeds: SEEDS
  compare: {metric: test/score}
"""


def study_of(seeds: int) -> Study:
    return parse_studies(STUDY.replace("SEEDS", str(seeds)), "s.yaml")[0]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "runs")


def end_trials(store: LocalStore, study: Study, **facts: Any) -> StoredStudy:
    """Store the study with those of its replicates ended that have not, trained with what would train them now."""
    assert study.ablation is not None
    stored = settle_study(store, study, dict(study.ablation.baseline), fresh=False)
    trainable = load_trainable(study.source)
    facts = {**fingerprint_sources(trainable), "environment": fingerprint_environment(), **facts}
    ledger = Ledger(store, stored.run)
    for place, one in enumerate(replicates_of_study(study, stored.arms)):
        if one.key in ledger:
            continue
        config = resolve(trainable, {**study.settings, **one.arm.settings}, study.recipe, study.scale).config
        metric = {"test/score": 0.5 + 0.01 * one.seed + 0.1 * (one.arm.name != "mode=plain") + 0.001 * place}
        ledger.add(
            make_record(
                one.key, study.study, one.seed, "completed", config.model_dump(mode="json"), dict(one.arm.settings),
                metric, arm=one.arm.name, started=float(place), ended=place + 1.0, epochs=1, fingerprints=facts,
            )
        )  # fmt: skip
    return stored


def changes(store: LocalStore, study: Study) -> list[str]:
    return changed_code(study, store, CheckingRun())


def change_records(store: LocalStore, **facts: Any) -> None:
    """Let all trials have been trained with other facts."""
    for record in records(store):
        measurement = replace(record.measurement, fingerprints={**record.fingerprints, **facts})
        rewrite_entry(store, replace(record, measurement=measurement))


def records(store: LocalStore) -> list[TrialRecord]:
    stored = read_study(store, "s")
    assert stored is not None
    return Ledger(store, stored.run).entries()


def test_the_same_code_extends_a_study(store: LocalStore) -> None:
    end_trials(store, study_of(3))
    assert changes(store, study_of(4)) == []


def test_another_code_is_named_with_the_trials_that_were_trained_with_it(store: LocalStore) -> None:
    end_trials(store, study_of(3))
    now = fingerprint_sources(load_trainable("parabola"))
    environment = {**fingerprint_environment(), "torch": "2.0.0", "ray": "1.0.0"}
    change_records(store, sources="0123456789abcdef", environment=environment)
    of_code, of_torch = changes(store, study_of(4))
    assert of_code == ("sources: 0123456789abcdef in 6 trials (plain and curved; seeds 0, 1 and 2) → " + now["sources"])
    assert of_torch.startswith("torch: 2.0.0 in 6 trials")
    assert changes(store, study_of(3)) == [], "nothing is left to train"


def test_a_changed_default_is_shown(store: LocalStore) -> None:
    end_trials(store, study_of(3))
    for record in records(store):
        params = {name: value for name, value in record.params.items() if name != "chatter"}
        spec = replace(record.progress.spec, params={**params, "bend": 0.5, "gone": 1})
        rewrite_entry(store, replace(record, progress=replace(record.progress, spec=spec)))
    assert changes(store, study_of(4)) == [
        "bend: 0.5 → 0.0, in 6 trials (plain and curved; seeds 0, 1 and 2)",
        "chatter: no such setting → 0, in 6 trials (plain and curved; seeds 0, 1 and 2)",
        "gone: 1 → no such setting, in 6 trials (plain and curved; seeds 0, 1 and 2)",
    ]


def test_trials_that_failed_by_a_mistake_hold_nobody_from_mending_it(store: LocalStore) -> None:
    end_trials(store, study_of(3))
    change_records(store, sources="0123456789abcdef")
    for record in records(store):
        rewrite_entry(store, replace(record, outcome="failed"))
    assert changes(store, study_of(4)) == []


def test_a_search_with_trials_left_is_looked_at(store: LocalStore) -> None:
    text = "study: s\ntrainable: parabola\nsearch: {x: {float: [0.0, 1.0]}}\nobjective: {maximize: validation/score}\n"
    [search] = parse_studies(text + "sampler: random\nbudget: {trials: 2}\n", "s.yaml")
    settle_study(store, search, None, fresh=False)
    trainable = load_trainable("parabola")
    facts = {**fingerprint_sources(trainable), "environment": fingerprint_environment()}
    for number, x in enumerate((0.25, 0.5)):
        params = resolve(trainable, {"x": x}, None, None).config.model_dump(mode="json")
        found = make_record(
            f"trial-{number:05d}", "s", 0, "completed", {**params, "bend": 0.5}, {"x": x}, {"validation/score": x},
            number=number, fingerprints=facts,
        )  # fmt: skip
        stored = read_study(store, "s")
        assert stored is not None
        Ledger(store, stored.run).add(found)
    assert changes(store, search) == []
    [more] = parse_studies(text + "sampler: random\nbudget: {trials: 3}\n", "s.yaml")
    assert changes(store, more) == ["bend: 0.5 → 0.0, in 2 trials"]


def test_it_is_refused_before_anything_starts_and_may_be_accepted(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[driver.Options] = []
    monkeypatch.setattr(driver, "run_studies", lambda studies, store, options: started.append(options) or [])
    end_trials(store, study_of(3))
    change_records(store, sources="0123456789abcdef")
    (tmp_path / "s.yaml").write_text(STUDY.replace("SEEDS", "4"))
    with pytest.raises(CodeChanged, match=r"sources: 0123456789abcdef in 6 trials .*\n.*--accept-changes"):
        api.run(tmp_path / "s.yaml", storage=tmp_path / "runs")
    assert started == []
    for accepted in ({"accept_changes": True}, {"fresh": True}):
        api.run(tmp_path / "s.yaml", storage=tmp_path / "runs", **accepted)
    assert [options.accept_changes for options in started] == [True, False]


def test_a_mixed_study_says_so_from_then_on(store: LocalStore) -> None:
    end_trials(store, study_of(3), sources="old")
    stored = end_trials(store, study_of(4), sources="new")
    answer = stored.read_results(store).answer
    [caution] = answer.grown
    assert caution in answer.warnings
    assert "(sources old: 6 trials (plain and curved; seeds 0, 1 and 2); new: 2 trials (plain and curved; seed 3))" in (
        caution
    )
    assert not any(effect.reservations for effect in answer.effects), "each pair is of one code"


def test_an_arm_of_another_code_than_its_baseline_has_a_reservation(store: LocalStore) -> None:
    stored = end_trials(store, study_of(3), sources="old")
    for record in records(store):
        if record.arm == "mode=curved":
            measurement = replace(record.measurement, fingerprints={**record.fingerprints, "sources": "new"})
            rewrite_entry(store, replace(record, measurement=measurement))
    [effect] = stored.read_results(store).answer.effects
    assert effect.reservations == (
        "it was trained with other sources than what it is compared with, which may be the difference",
    )


@pytest.fixture
def _no_modules_of_other_tests() -> Iterator[None]:
    yield
    forget_own_modules()


@pytest.mark.usefixtures("_no_modules_of_other_tests")
def test_changed_files_of_the_users_own_are_named(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import helper\n\ndef train(config, run):\n    run.report({'validation/accuracy': helper.one(config.x)})\n"
    )
    (tmp_path / "helper.py").write_text("def one(x):\n    return x\n")
    text = STUDY.replace("trainable: parabola", "trainable: ./train.py:train").replace(
        "test/score", "validation/accuracy"
    )
    text = text.replace("{mode: [plain, curved]}", "{x: [0.3, 0.5]}")
    (tmp_path / "s.yaml").write_text(text.replace("SEEDS", "3"))
    [study] = load_studies(tmp_path / "s.yaml")
    stored = end_trials(store, study)
    write_sources(store, stored.run, load_trainable(study.source).source, NO_LOCK)
    (tmp_path / "s.yaml").write_text(text.replace("SEEDS", "4"))
    assert changes(store, load_studies(tmp_path / "s.yaml")[0]) == []
    (tmp_path / "helper.py").write_text("def one(x):\n    return 2 * x\n")
    [change] = changes(store, load_studies(tmp_path / "s.yaml")[0])
    assert change.startswith("sources: ")
    assert change.endswith("(helper.py)")
