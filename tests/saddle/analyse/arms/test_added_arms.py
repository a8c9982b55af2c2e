"""Arms that are added later: in one family with all others, marked everywhere, and with what they cost said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from saddle.analyse.arms.added_arms import growth_bound
from saddle.analyse.expectation import reached_words
from saddle.analyse.statistics.paired.corrections import adjust
from saddle.analyse.study_comparison import compare_studies, view_of
from saddle.analyse.study_results import StudyResults
from saddle.archive.studies import read_study, settle_study
from saddle.archive.study_status import read_state, with_stored
from saddle.cli.output.display import state_line
from saddle.report.comparison import arm_rows, facts
from saddle.report.comparison_sections.tables import arms_table
from saddle.report.drawing.arm_order import rows_in_order
from saddle.report.figures.effects import forest, named
from saddle.serve.watched.study import StudyReader
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.study.history import PlanGrowth, PlanHistory, SeedPlan
from saddle.studyfile.loader import parse_studies
from saddle.track.arm_payload import describe_arms
from tests.support.records import make_record
from tests.support.stored import store_ablation

STUDY = """
study: s
trainable: parabola
ablation:
  factors: {x: [0.3, 0.5]}
  seeds: 5
  compare: {metric: test/score, COMPARE}
"""
NOISE = (0.0, 0.01, -0.01, 0.02, -0.005)


def text(levels: str = "[0.3, 0.5]", compare: str = "correction: holm") -> str:
    return STUDY.replace("[0.3, 0.5]", levels).replace("COMPARE", compare)


def value(x: float, seed: int) -> dict[str, float]:
    return {"test/score": 0.5 + 0.1 * x + NOISE[seed] * x, "validation/score": 0.4}


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """With an ablation of two arms that has ended."""
    store = LocalStore(tmp_path / "runs")
    store_ablation(store, text(), lambda one: value(one.arm.settings["x"], one.seed))
    return store


def grow(store: LocalStore, changed: str) -> StudyResults:
    """Take up the changed file, and end the trials that it adds."""
    [study] = parse_studies(changed, "s.yaml")
    stored = settle_study(store, study, {}, fresh=False)
    ledger = Ledger(store, stored.run)
    for one in stored.replicates:
        if one.key not in ledger:
            found = value(one.arm.settings["x"], one.seed)
            ledger.add(
                make_record(one.key, "s", one.seed, "completed", dict(one.arm.settings), dict(one.arm.settings), found,
                            arm=one.arm.name)
            )  # fmt: skip
    again = read_study(store, "s")
    assert again is not None
    return again.read_results(store)


def test_an_added_arm_is_one_more_comparison_in_the_family(store: LocalStore) -> None:
    alone = grow(store, text())
    results = grow(store, text("[0.3, 0.5, 0.7]"))
    first, added = results.answer.effects
    assert (first.added_after, added.added_after) == (None, 10)
    before = alone.answer.effects[0]
    assert before.p_adjusted == before.p, "it was a family of its own"
    assert first.p_adjusted == pytest.approx(min(2 * first.p, max(2 * added.p, first.p)))


def test_it_is_marked_in_table_verdict_and_comparison(store: LocalStore) -> None:
    results = grow(store, text("[0.3, 0.5, 0.7]"))
    assert [row[0] for row in results.answer.rows] == ["x=0.3", "x=0.5", "x=0.7 (added later)"]
    assert [word.facts["added_later"] for word in reached_words(results)] == [False, True]
    [caution] = results.answer.grown
    assert caution in results.answer.warnings
    assert caution == (
        "Arms were added after results could be seen (x=0.7 when 10 trials had ended). The level is shared among all "
        "2 comparisons, earlier and later ones; adding arms until one is claimed makes a wrong claim with a "
        "probability of up to 7.5 %, not 5 %."
    )
    comparison = compare_studies([view_of(results), view_of(results)])
    assert f"s: {caution}" in comparison.notes
    assert [row["added_later"] for row in arm_rows(comparison)[:3]] == [None, False, True]
    assert facts(comparison)["studies"][0]["arms"][2]["effect"]["added_later"]
    assert [row[0] for row in arms_table(comparison).rows][-1] == "x=0.7 (added later)"


def test_it_is_marked_in_forest_plot_status_pages_and_mlflow(store: LocalStore) -> None:
    results = grow(store, text("[0.3, 0.5, 0.7]"))
    assert [*map(named, results.answer.effects)] == ["x=0.5", "x=0.7 (added later)"]
    drawn = forest(results.answer.effects, 0.05, None).svg
    assert "x=0.7 (added later)" in drawn
    assert "x=0.5 (added later)" not in drawn
    stored = read_study(store, "s")
    assert stored is not None
    state = with_stored(read_state(store, stored.run), store, stored)
    assert state.added_later == {"x=0.7": 10}
    assert "arms added later: x=0.7" in state_line(state)
    assert state.facts()["added_later"] == {"x=0.7": 10}
    arms = describe_arms(results, finished=True)
    assert {arm.name for arm in arms.values()} == {"x=0.3", "x=0.5", "x=0.7 (added later)"}
    assert arms["x=0.7"].tags["mlflow.note.content"].startswith("x=0.7 (added later) against x=0.3")
    assert StudyReader(store, "s").read().marks == {"x=0.7": " (added later)"}


def test_an_arm_that_was_added_before_anything_could_be_seen_is_none_added_later(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "runs")
    settle_study(store, parse_studies(text(), "s.yaml")[0], {}, fresh=False)
    results = grow(store, text("[0.3, 0.5, 0.7]"))
    assert [effect.added_after for effect in results.answer.effects] == [None, None]
    assert results.answer.grown == ()


def test_another_metric_is_judged_from_stored_trials_and_said(store: LocalStore) -> None:
    results = grow(store, text(compare="equivalence: 0.1").replace("test/score", "validation/score"))
    assert results.answer.metric.name == "validation/score"
    assert len(results.records) == 10
    [caution] = results.answer.grown
    assert "changed when 10 trials had ended" in caution
    assert "compare.metric: 'test/score' → 'validation/score'; compare.equivalence: not set → 0.1" in caution


def test_further_metrics_that_are_described_change_no_verdict_and_are_no_caution(store: LocalStore) -> None:
    assert grow(store, text(compare="also: [validation/score]")).answer.grown == ()


def history(*sizes: int) -> PlanHistory:
    grown = [
        SeedPlan((0,), (1,), finished=1, growth=PlanGrowth(tuple(f"{step}-{i}" for i in range(size))))
        for step, size in enumerate(sizes)
    ]
    return PlanHistory((SeedPlan((0,), (1,)), *grown))


@pytest.mark.parametrize(("first", "added"), [(1, 1), (2, 1), (1, 3)])
def test_adding_arms_until_one_is_claimed_is_wrong_as_often_as_is_said_at_most(first: int, added: int) -> None:
    """All arms are alike; whoever claims nothing adds arms and looks again."""
    rng, studies, seeds, alpha = np.random.default_rng(0), 4_000, 6, 0.05
    values = rng.normal(size=(studies, 1 + first + added, seeds))
    p = stats.ttest_1samp(values[:, 1:] - values[:, :1], 0.0, axis=2).pvalue
    claimed = sum(
        min(adjust([*of_study[:first]], "holm")) <= alpha or min(adjust([*of_study], "holm")) <= alpha for of_study in p
    )
    error = 3 * (alpha / studies) ** 0.5
    assert alpha * 0.9 < claimed / studies <= growth_bound(history(added), alpha) + error


def test_an_added_arm_stands_in_the_reports_table_where_it_stands_in_the_file(store: LocalStore) -> None:
    results = grow(store, text("[0.3, 0.4, 0.5]"))
    rows = rows_in_order(results, results.answer.rows)
    assert [row[0] for row in rows] == ["x=0.3", "x=0.4 (added later)", "x=0.5"]
