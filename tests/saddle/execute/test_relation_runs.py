"""A relation run by the driver: trials by unit, measures kept once, plans logged, a run of MLflow for each unit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from saddle.analyse.relations.word import Word
from saddle.archive.load_comparison import load_views
from saddle.archive.studies import StoredStudy, read_study
from saddle.errors import StudyChanged
from saddle.execute.driver import EndedStudy
from saddle.execute.plan.study_plan import plan_study
from saddle.report.html import render
from saddle.report.markdown import render_markdown
from saddle.report.study_report import StudyReport
from saddle.store.base import Store
from saddle.store.local import LocalStore
from saddle.store.run_files.unit_log import units_folder
from saddle.studyfile.loader import parse_studies
from saddle.track.opening import tracking_uri
from saddle.trial.run_id import RunId
from saddle.verify.verify_study import verify_study
from tests.support.in_process import run_in_process

pytestmark = pytest.mark.long

RELATION = """\
study: lifted
question: Does what bending costs depend on how high the parabola lies?
trainable: parabola
fixed: {epochs: 1}
relation:
  gain: {metric: test/score, arm: {bend: 0.2}, over: {bend: 0.0}, scale: log}
  units:
    - {family: lifts, vary: {shift: [0.0, 0.5, 1.0, 2.0, 3.0]}}
    - {family: curves, vary: {shift: [0.2, 0.7, 1.4]}, fixed: {mode: curved}}
  predictor: height
  also: [shift]
  seeds: 3
"""
MORE = RELATION.replace("2.0, 3.0]", "2.0, 3.0, 4.0]")


def run(store: Store, text: str = RELATION, *, track: bool = False) -> EndedStudy:
    [ended] = run_in_process(store, text, track=track)
    return ended


def stored(store: Store) -> StoredStudy:
    study = read_study(store, "lifted")
    assert study is not None
    return study


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalStore, EndedStudy]:
    store = LocalStore(tmp_path_factory.mktemp("tracked") / "runs")
    return store, run(store, track=True)


def test_every_unit_is_trained_with_both_arms_and_every_seed(tracked: tuple[LocalStore, EndedStudy]) -> None:
    _, ended = tracked
    trained = {(record.arm, record.seed, json.dumps(dict(record.block))) for record in ended.entries}
    assert len(trained) == len(ended.entries) == 8 * 2 * 3


def test_a_gain_that_rises_with_the_predictor_is_said_to(tracked: tuple[LocalStore, EndedStudy]) -> None:
    _, ended = tracked
    findings = ended.answer.relation
    assert findings is not None
    assert findings.answer.word is Word.RISES
    assert (findings.answer.k, findings.answer.families) == (8, ("curves", "lifts"))
    assert ended.answer.sentence.startswith("The gain of bend=0.2 over bend=0.0 in test score (as a ratio) rises with")
    assert [len(each.unit.gains) for each in findings.units] == [3] * 8


def test_its_arms_are_compared_over_all_units(tracked: tuple[LocalStore, EndedStudy]) -> None:
    """A relation's own answer has no effects of arms: a comparison with another study judges them."""
    store, _ = tracked
    [view] = load_views(["lifted"], store.url)
    assert [str(effect.verdict) for effect in view.effects.values()] == ["hurts"]


def test_measures_of_data_are_taken_once(tracked: tuple[LocalStore, EndedStudy]) -> None:
    store, _ = tracked
    folder = Path(store.url) / units_folder(stored(store).run)
    before = {path.name: path.read_bytes() for path in folder.glob("[!.]*.json")}
    assert stored(store).units.measures["shift=0.5"] == {"height": 1.5}
    run(store)
    assert {path.name: path.read_bytes() for path in folder.glob("[!.]*.json")} == before
    assert len(before) == 8


def test_mlflow_has_a_run_for_each_unit_with_its_trials_below(tracked: tuple[LocalStore, EndedStudy]) -> None:
    store, ended = tracked
    client = MlflowClient(tracking_uri(store))
    experiment = client.get_experiment_by_name("lifted")
    assert experiment is not None
    units = client.search_runs([experiment.experiment_id], "tags.`saddle.level` = 'unit'")
    assert len(units) == 8
    unit = next(one for one in units if one.data.tags["saddle.unit"] == "shift=0.5")
    findings = ended.answer.relation
    assert findings is not None
    estimate = findings.estimates["shift=0.5"]
    assert unit.data.metrics["relation.x"] == 1.5
    assert unit.data.metrics["relation.gain"] == pytest.approx(estimate.y, rel=1e-4)
    assert unit.data.metrics["relation.low"] == pytest.approx(estimate.low, rel=1e-4)
    below = client.search_runs(
        [experiment.experiment_id], f"tags.`mlflow.parentRunId` = '{unit.info.run_id}'", max_results=100
    )
    assert len(below) == 2 * 3


def test_verify_finds_everything_in_its_place(tracked: tuple[LocalStore, EndedStudy]) -> None:
    store, _ = tracked
    assert verify_study(store, RunId("lifted")).differences == ()


def test_the_report_shows_scatter_plan_and_what_each_point_is(tracked: tuple[LocalStore, EndedStudy]) -> None:
    _, ended = tracked
    page = render(StudyReport(ended.results))
    assert page.count('id="figure-relation-') > 0
    assert "<title>shift=0.5 (lifts): " in page
    digest = ended.results.history.plans[-1].digest
    assert digest in page
    assert "before any trial had ended" in page
    text = render_markdown(StudyReport(ended.results))
    assert digest in text
    assert "| shift=0.5 |" in text


def test_units_that_are_added_are_trained_and_count_as_another_look(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "runs")
    run(store)
    ended = run(store, MORE)
    findings = ended.answer.relation
    assert findings is not None
    assert (len(ended.entries), findings.answer.k) == (9 * 2 * 3, 9)
    assert findings.answer.alpha == 0.025
    assert any("when 48 trials had ended: 1 unit added (shift=4.0)" in said for said in ended.answer.warnings)
    with pytest.raises(StudyChanged, match=r"shift=4\.0 taken away"):
        run(store)


def test_a_plan_that_is_changed_after_data_exist_is_shown_as_changed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "runs")
    first = run(store).results.history.plans[0]
    ended = run(store, RELATION.replace("predictor: height\n  also: [shift]", "predictor: shift"))
    plans = ended.results.history.plans
    assert plans[0] == first
    assert plans[1].digest != first.digest
    [said] = [said for said in ended.answer.warnings if "was changed" in said]
    assert "predictor: height → shift" in said
    assert "hold for the first plan only" in said


def test_failing_seeds_are_counted_and_a_unit_without_any_pair_is_named(tmp_path: Path) -> None:
    failing = "    - {family: lifts, vary: {shift: [5.0]}, fixed: {trouble: diverge, trouble_epoch: 1}}\n  predictor"
    ended = run(LocalStore(tmp_path / "runs"), RELATION.replace("  predictor", failing))
    findings = ended.answer.relation
    assert findings is not None
    [broken] = [each for each in findings.units if not each.unit.gains]
    assert (broken.unit.failed, findings.reasons[broken.unit.name]) == (3, "all 3 seeds failed")
    assert findings.answer.k == 8
    assert any(said.startswith(f"{broken.unit.name} has no pair of seed 0") for said in ended.answer.warnings)


def test_the_plan_lists_units_with_what_predicts_and_the_chance_of_a_word(tmp_path: Path) -> None:
    [study] = parse_studies(RELATION, "lifted.yaml")
    plan = plan_study(study, LocalStore(tmp_path / "runs"))
    assert plan.relation is not None
    assert plan.trials == 48
    assert [unit.x for unit in plan.relation.units] == [1.0, 1.5, 2.0, 3.0, 4.0, 1.2, 1.7, 2.4]
    [chances] = plan.relation.power
    assert (chances.sizes, chances.seeds) == ((5, 3), 3)
    told = list(chances.chances.values())
    assert told == sorted(told)
    assert told[-1] > 0.5
    assert plan.relation.source.startswith("assumed")
