"""A search that grows under an ablation that is built on it: the ablation keeps what it was run with, and continues."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from saddle.archive.studies import StoredStudy, read_study
from saddle.design import replicates_of_study
from saddle.design.study_arms import arms_of_study
from saddle.errors import StudyChanged
from saddle.execute.driver import EndedStudy
from saddle.execute.plan.baseline import find_baseline
from saddle.execute.plan.preflight import check_stored
from saddle.execute.plan.study_plan import plan_study
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
from tests.support.in_process import run_in_process

FILE = """
study: warmup
trainable: parabola
fixed: {epochs: 1}
search: {x: {float: [0.0, 1.0]}}
objective: {maximize: validation/score}
sampler: {qmc: {seed: 1}}
budget: {trials: TRIALS}
---
study: warmup-ablation
ablation:
  baseline: {best_of: warmup, mode: plain}
  factors: {mode: [plain, curved]}
  seeds: SEEDS
  compare: {metric: test/score}
"""


def file(trials: int, seeds: int = 3) -> str:
    return FILE.replace("TRIALS", str(trials)).replace("SEEDS", str(seeds))


def stored(store: LocalStore, name: str) -> StoredStudy:
    study = read_study(store, name)
    assert study is not None
    return study


@dataclass(frozen=True)
class Grown:
    """A storage in which a finished file was run again with six more trials of its search."""

    store: LocalStore
    before: StoredStudy
    """The ablation as it was first run."""
    search: EndedStudy
    ablation: EndedStudy


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    store = LocalStore(tmp_path_factory.mktemp("grown") / "runs")
    run_in_process(store, file(2), track=False)
    before = stored(store, "warmup-ablation")
    check_stored(parse_studies(file(8), "file.yaml"), store)
    search, ablation = run_in_process(store, file(8), track=False)
    return Grown(store, before, search, ablation)


def test_a_search_grows_and_the_ablation_keeps_what_it_was_run_with(grown: Grown) -> None:
    best, kept = grown.search.answer.best, grown.before.baseline
    assert best is not None
    assert kept is not None
    assert best.settings["x"] != kept["x"], "or the test shows nothing"
    assert stored(grown.store, "warmup-ablation").baseline == kept
    assert [record.settings["x"] for record in grown.ablation.entries] == [kept["x"]] * 6
    [caution] = [warning for warning in grown.ablation.answer.warnings if "is now" in warning]
    assert f"the best of warmup is now {best.key} (x = " in caution
    assert "every arm keeps them" in caution


def test_more_seeds_of_it_are_trained_around_the_same_baseline(grown: Grown) -> None:
    ablation = parse_studies(file(8, seeds=4), "file.yaml")[1]
    check_stored([ablation], grown.store)
    baseline = find_baseline(ablation, grown.store)
    assert baseline == grown.before.baseline
    arms = arms_of_study(ablation, baseline)
    keys = {replicate.key for replicate in replicates_of_study(ablation, arms)}
    assert len(keys) == 8
    assert keys > {record.key for record in grown.ablation.entries}


def test_the_plan_says_so(grown: Grown) -> None:
    [plan] = [plan_study(parse_studies(file(8), "file.yaml")[1], grown.store)]
    assert any(" is now trial-" in note and ". --fresh starts a new run around that one" in note for note in plan.notes)


def test_one_that_is_run_anew_starts_from_the_new_best(grown: Grown) -> None:
    ablation = parse_studies(file(8), "file.yaml")[1]
    baseline = find_baseline(ablation, grown.store, fresh=True)
    assert grown.search.answer.best is not None
    assert baseline == {**grown.search.answer.best.settings, "mode": "plain"}


def test_fewer_trials_than_were_planned_are_refused_with_what_to_write(grown: Grown) -> None:
    with pytest.raises(StudyChanged, match=r"budget\.trials: 8 → 2; .* write budget\.trials: 8, or more"):
        check_stored(parse_studies(file(2), "file.yaml"), grown.store)
