"""Verdicts on further metrics: judged as the study's own, each with its own family, and what holds over all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from statsmodels.stats.multitest import multipletests

from saddle.analyse.study_results import StudyResults
from saddle.design.replicates import replicates_of
from saddle.errors import StudyError
from saddle.report.html import render
from saddle.report.markdown import render_markdown
from saddle.report.study_report import StudyReport
from saddle.study.history import UNCHANGED, PlanHistory, SeedPlan
from saddle.study.models import Study
from saddle.studyfile.loader import parse_studies
from tests.support.declared import declare
from tests.support.records import make_record
from tests.support.results import results_of
from trainables.contract import Metric

ROBUST, CLEAN, FOG, SNOW = (
    "test/robust_accuracy.worst_case", "test/clean_accuracy", "test/corruption_accuracy.fog",
    "test/corruption_accuracy.snow",
)  # fmt: skip
KIND = Metric("maximize", unit="fraction", role="corruption", clean=CLEAN)
DECLARED = declare({ROBUST: "maximize", CLEAN: "maximize", FOG: KIND, SNOW: KIND, "test/nll": "minimize"}, ROBUST)
NOISE = (0.0, 0.004, -0.003, 0.002, -0.001)


def results(
    each: list[str],
    shifts: dict[str, dict[str, float]],
    *,
    seeds: int = 5,
    race: bool = False,
    also: Any = (),
    history: PlanHistory = UNCHANGED,
    **compare: Any,
) -> StudyResults:
    """Arms whose metrics lie at these distances from those of `a`, with little noise."""
    study = Study.model_validate(
        {
            "study": "s",
            "question": "q?",
            "trainable": "t",
            "ablation": {
                "factors": {"arm": ["a", *shifts]},
                "baseline": {"arm": "a"},
                "seeds": seeds,
                "race": race,
                "compare": {"metric": ROBUST, "each": each, "also": list(also), **compare},
            },
        }
    )
    base = {ROBUST: 0.5, CLEAN: 0.9, FOG: 0.6, SNOW: 0.8, "test/nll": 1.0}
    records = []
    for number, (arm, moved) in enumerate({"a": {}, **shifts}.items()):
        for seed in range(seeds):
            values = {name: base[name] + moved.get(name, 0.0) + (number + 1) * NOISE[seed] for name in base}
            seconds, settings = 60.0 * (number + 1), {"arm": arm}
            records.append(
                make_record(
                    f"{arm}-{seed}", "s", seed, "completed", {}, settings, values, arm=f"arm={arm}", seconds=seconds
                )
            )
    return replace(results_of(study, DECLARED, records, {"arm": "a"}), history=history)


def words(of: StudyResults) -> dict[tuple[str, str], str]:
    return {(one.effect.metric.name, one.effect.arm): str(one.effect.verdict) for one in of.further}


def test_every_metric_is_judged_in_its_own_direction() -> None:
    found = words(results(["test/corruption_accuracy.*", "test/nll"], {"b": {FOG: -0.1, SNOW: 0.1, "test/nll": -0.2}}))
    assert found == {(FOG, "b"): "hurts", (SNOW, "b"): "helps", ("test/nll", "b"): "helps"}


def test_a_metric_alone_has_the_verdict_that_it_has_as_the_studys_own() -> None:
    shifts = {"b": {ROBUST: 0.011}, "c": {ROBUST: 0.001}, "d": {ROBUST: -0.05}}
    one = results([ROBUST], shifts)
    effects = [two.effect for two in one.further]
    own, further = (
        {effect.arm: (effect.verdict, effect.low, effect.high, effect.p_adjusted) for effect in each}
        for each in (one.answer.effects, effects)
    )
    assert further == own


def test_more_metrics_change_no_verdict_but_what_holds_over_all() -> None:
    shifts = {"b": {FOG: -0.0045}, "c": {}, "d": {}}
    few, many = results([FOG], shifts), results([FOG, SNOW, CLEAN, "test/nll"], shifts)
    assert words(few)[FOG, "b"] == words(many)[FOG, "b"]
    [p_few], [p_many] = (
        [one.p_over_all for one in found.further if (one.effect.metric.name, one.effect.arm) == (FOG, "b")]
        for found in (few, many)
    )
    assert p_few < p_many


def test_what_holds_over_all_is_holms_p_over_every_arm_and_metric() -> None:
    found = results([FOG, SNOW], {"b": {FOG: -0.0045, SNOW: 0.004}, "c": {FOG: 0.0055}}).further
    alone = [float(one.effect.p) for one in found]  # type: ignore[arg-type]
    holm = multipletests(alone, method="holm")[1]
    assert [one.p_over_all for one in found] == pytest.approx(list(holm))
    assert [one.holds_over_all(0.05) for one in found] == [p <= 0.05 for p in holm]
    between = sorted(holm)[1]
    assert [one.holds_over_all(between) for one in found] == [p <= between for p in holm]
    assert len({one.holds_over_all(between) for one in found}) == 2


def test_the_studys_own_alpha_and_correction_judge() -> None:
    shifts = {"b": {FOG: -0.0055}, "c": {FOG: 0.008}, "d": {}}
    usual, strict, other = (
        results([FOG], shifts, **compare).further[0].effect for compare in ({}, {"alpha": 0.001}, {"correction": "bh"})
    )
    assert strict.low < usual.low  # type: ignore[operator]
    assert other.p_adjusted < usual.p_adjusted  # type: ignore[operator]


def test_added_seeds_are_judged_by_the_bound_for_any_stop() -> None:
    shifts = {"b": {FOG: -0.02}}
    extended = PlanHistory((SeedPlan((0, 1, 2), (3,)), SeedPlan((0, 1, 2, 3, 4), (5,), finished=6)))
    once, looked = results([FOG], shifts), results([FOG], shifts, history=extended)
    assert looked.history.is_extended
    assert looked.further[0].effect.low < once.further[0].effect.low  # type: ignore[operator]
    assert looked.further[0].p_over_all > once.further[0].p_over_all


def test_interactions_of_a_crossed_design_are_no_further_verdicts() -> None:
    study = Study.model_validate(
        {"study": "s", "trainable": "t", "ablation": {
            "factors": {"x": [0, 1], "y": [0, 1]}, "baseline": {"x": 0, "y": 0}, "design": "factorial", "seeds": 4,
            "compare": {"metric": ROBUST, "each": [CLEAN]}}}
    )  # fmt: skip
    records = [
        make_record(one.key, "s", one.seed, "completed", {}, one.arm.settings,
                    {ROBUST: 0.5 + NOISE[one.seed], CLEAN: 0.8 + 0.1 * one.arm.settings["x"] + NOISE[one.seed]},
                    arm=one.arm.name)
        for one in replicates_of(study.ablation, results_of(study, DECLARED, [], {}).arms)  # type: ignore[arg-type]
    ]  # fmt: skip
    found = results_of(study, DECLARED, records, {})
    assert {effect.kind for effect in found.answer.effects} == {"main effect", "interaction"}
    assert {one.effect.kind for one in found.further} == {"main effect"}


def test_a_dagger_marks_a_claim_that_is_one_of_its_metric_alone() -> None:
    shifts = {"b": {FOG: -0.0075}, "c": {}, "d": {}}
    report = StudyReport(results([FOG, SNOW, CLEAN, "test/nll"], shifts))
    [claim] = [one for one in report.results.further if (one.effect.metric.name, one.effect.arm) == (FOG, "b")]
    assert str(claim.effect.verdict) == "hurts"
    assert not claim.holds_over_all(0.05)
    rows = [line for line in render_markdown(report).splitlines() if "hurts" in line and "fog" in line]
    assert any("hurts †" in row for row in rows)
    strong = render_markdown(StudyReport(results([FOG], {"b": {FOG: -0.1}})))
    assert "hurts †" not in strong


def test_a_race_stops_by_another_metric_so_its_tests_hold_whenever_one_stops() -> None:
    shifts = {"b": {FOG: -0.02}}
    fixed, raced = results([FOG], shifts), results([FOG], shifts, race=True)
    assert fixed.further[0].effect.low > raced.further[0].effect.low  # type: ignore[operator]


def test_nothing_is_judged_that_is_not_asked() -> None:
    assert results([], {"b": {}}).further == ()
    page = render(StudyReport(results([], {"b": {}})))
    assert "Verdicts on further metrics" not in page


def test_pages_show_verdicts_corruptions_cost_and_the_front() -> None:
    report = StudyReport(results([FOG, SNOW], {"b": {FOG: -0.1, SNOW: 0.1}, "c": {ROBUST: 0.1, CLEAN: -0.05}}))
    page, text = render(report), render_markdown(report)
    for place in ('id="each"', 'id="corruptions"', 'id="training-cost"', 'id="figure-attainment"'):
        assert place in page, place
    assert "hurts" in text
    rows = [line.replace("&lt;", "<") for line in text.splitlines() if line.startswith("|")]
    assert any("corruption accuracy (fog)" in row and "−9.96 hurts" in row for row in rows), "\n".join(rows)
    # the error of b: fog .5/.4, snow .1/.2
    assert any(row.startswith("| mean corruption error") and "100.0" in row for row in rows), "\n".join(rows)
    assert any(row.startswith("| b ") and "2 min 00 s" in row and "| 2 |" in row for row in rows), "\n".join(rows)


def test_the_front_waits_for_three_seeds() -> None:
    report = StudyReport(results([], {"b": {ROBUST: 0.1}, "c": {CLEAN: -0.05}}, seeds=2))
    assert "It takes 3 seeds with which every arm was tested." in render(report)


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [("train/loss", "arms are compared on data"), ("test/clean_acuracy", "unknown metric 'test/clean_acuracy'")],
)
def test_a_wrong_metric_is_refused(pattern: str, complaint: str) -> None:
    text = f"""
study: s
trainable: adversarial_training
ablation:
  factors: {{perturbation: [sta, none]}}
  compare: {{each: ["{pattern}"]}}
"""
    with pytest.raises(StudyError, match=complaint):
        parse_studies(text, "s.yaml")
