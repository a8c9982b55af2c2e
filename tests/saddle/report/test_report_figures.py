"""Figures hold the data they say they hold, and stay small and quick with thousands of trials."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from saddle.analyse.ablation import comparison_spec, judge_arms, measure_arms, without_needless
from saddle.analyse.arms.paired_values import ArmValues, of_arm
from saddle.analyse.searches.hypervolume import hypervolume_course
from saddle.analyse.searches.importance import importance
from saddle.design import make_arms, replicates
from saddle.design.study_arms import arms_of_study
from saddle.report.cited_trials import leaders
from saddle.report.figures import curves, effects, history, interactions, levels, pareto, race
from saddle.report.figures.importance import importances
from saddle.report.figures.parallel import INACTIVE, parallel
from saddle.report.html import render
from saddle.report.study_report import StudyReport
from saddle.study.models import Study
from saddle.trial.outcome import Outcome
from tests.support.records import changed
from tests.support.results import results_of
from trainables.contract import complete_metric

TEST = "test/robust_accuracy.worst_case"
VALIDATION = "validation/robust_accuracy.worst_case"
CLEAN = "validation/clean_accuracy"
WORST = complete_metric(TEST)


def bars_of(axes: Any) -> list[tuple[int, float, float]]:
    """Row, start and length of every bar that has a length."""
    patches = [patch for patch in axes.patches if patch.get_width() > 0]
    return [(round(p.get_y() + p.get_height() / 2), round(p.get_x(), 6), round(p.get_width(), 6)) for p in patches]


def raced(ablation: Callable[..., Any]) -> Any:
    """mp is far above the baseline and was stopped after five of eight seeds; mta continues."""
    made = ablation(8, race="pocock")
    noise = np.random.default_rng(0)
    level = {"sta": 0.3, "mta": 0.3, "mp": 0.6}
    kept = []
    for entry in made.entries:
        arm = entry.settings["perturbation"]
        value = level[arm] + 0.01 * noise.normal()
        if arm != "mp" or entry.seed < 5:
            kept.append(changed(entry, metrics={**entry.metrics, TEST: value}))
    made.entries = kept
    return made


def test_the_course_of_a_race_shows_what_counted_what_came_late_and_what_was_saved(
    ablation: Callable[..., Any],
) -> None:
    made = raced(ablation)
    arms = arms_of_study(made.study, made.baseline)
    measured = measure_arms(made.study, arms, made.entries, TEST)
    standing = judge_arms(made.study, arms, measured, comparison_spec(made.study, WORST))
    settled = standing.settled["mp"]
    assert settled < 5
    plate = race.course([without_needless(arm, standing, range(8)) for arm in measured], standing)
    [axes] = plate.figure().axes
    assert bars_of(axes)[-3:] == [(2, 0, settled), (2, settled, 5 - settled), (2, 5, 3)]
    assert f"helps after {settled} pairs" in [text.get_text() for text in axes.texts]
    assert "of 24 over all arms 3 were not needed" in plate.caption
    page = render(StudyReport(made.results))
    assert page.index('id="figure-effects"') < page.index('id="figure-race"') < page.index('id="figure-arms"')


def test_two_factors_are_drawn_together_and_lines_are_means(ablation: Callable[..., Any]) -> None:
    made = ablation(3)
    base = made.entries[0]
    section = {"factors": {"perturbation": ["sta", "mp"], "steps": [1, 5, 9]}, "design": "factorial", "seeds": 3}
    study = Study.model_validate({"study": "two", "trainable": "adversarial_training", "ablation": section})
    assert study.ablation is not None
    arms = make_arms(study.ablation, {})
    entries = [
        changed(
            base, key=one.key, seed=one.seed, arm=one.arm.name, settings=dict(one.arm.settings),
            metrics={TEST: 0.01 * one.seed + 0.1 * one.arm.settings["steps"] * ("mp" in one.arm.settings.values())},
        )
        for one in replicates(arms, range(3))
    ]  # fmt: skip
    measured = measure_arms(study, arms, entries, TEST)
    plate = interactions.interaction(study.ablation.factors, arms, measured, WORST)
    assert plate is not None
    lines = {line.get_label(): list(line.get_ydata()) for line in plate.figure().axes[0].get_lines()}
    assert lines["steps = 1"] == pytest.approx([0.01, 0.11])
    assert lines["steps = 9"] == pytest.approx([0.01, 0.91])
    assert "figure-interaction" in render(StudyReport(results_of(study, made.declared, entries, {})))
    one_factor = arms_of_study(made.study, made.baseline)
    values = measure_arms(made.study, one_factor, made.entries, TEST)
    assert interactions.interaction(made.study.ablation.factors, one_factor, values, WORST) is None


def test_a_metric_is_drawn_along_the_levels_of_one_factor(ablation: Callable[..., Any]) -> None:
    study = Study.model_validate(
        {
            "study": "figure6",
            "trainable": "adversarial_training",
            "ablation": {
                "baseline": {"alpha0_min": 1.0}, "factors": {"alpha0_min": [0.2, 0.6, 1.0]}, "seeds": 2,
                "compare": {"metric": TEST, "also": ["test/clean_*"]},
            },
        }
    )  # fmt: skip
    arms = arms_of_study(study, {"alpha0_min": 1.0})
    measured = {
        metric: [ArmValues(arm.name, {0: arm.levels["alpha0_min"] * size, 1: arm.levels["alpha0_min"]}) for arm in arms]
        for metric, size in ((WORST, 1.0), (complete_metric("test/clean_accuracy"), 0.5))
    }
    plate = levels.along(study.ablation.factors, arms, measured)  # type: ignore[union-attr]
    assert plate is not None
    first, second = plate.figure().axes
    lines = {line.get_label(): line for line in second.get_lines()}
    assert list(lines["mean over seeds"].get_xdata()) == [0.2, 0.6, 1.0]
    assert list(lines["mean over seeds"].get_ydata()) == pytest.approx([0.15, 0.45, 0.75])
    assert set(lines["baseline"].get_ydata()) == {0.75}
    assert first.get_title(loc="left") == "test robust accuracy (worst case) (%)"
    words = arms_of_study(ablation(2).study, {})
    factors = {"perturbation": ["sta", "mta", "mp"]}
    assert levels.along(factors, words, {WORST: [ArmValues(arm.name, {0: 0.5}) for arm in words]}) is None
    assert levels.along(study.ablation.factors, arms, {WORST: [ArmValues("a", {}) for _ in arms]}) is None  # type: ignore[union-attr]


def test_bands_reach_from_the_lowest_seed_to_the_highest(ablation: Callable[..., Any]) -> None:
    made = ablation(3, ("sta", "mp"))
    made.change(0, curve=made.entries[0].curve[:2])  # one seed of the baseline ended early
    groups = {arm.name: of_arm(made.entries, arm) for arm in arms_of_study(made.study, made.baseline)}
    axes = curves.arm_curves(groups, made.declared.selected, made.declared).figure().axes[0]
    for (name, members), band, line in zip(groups.items(), axes.collections, axes.get_lines(), strict=True):
        values = [[epoch[VALIDATION] for epoch in entry.curve] for entry in members]
        corners = band.get_paths()[0].vertices
        for epoch in range(4):
            seen = [curve[epoch] for curve in values if len(curve) > epoch]
            heights = corners[corners[:, 0] == epoch + 1, 1]
            assert (heights.min(), heights.max()) == (pytest.approx(min(seen)), pytest.approx(max(seen))), name
            mean = line.get_ydata()[epoch]
            assert mean == pytest.approx(np.mean(seen)) if len(seen) == 3 else np.isnan(mean)


def test_many_arms_get_a_panel_each_beside_the_baseline(ablation: Callable[..., Any]) -> None:
    made = ablation(2, tuple(f"kind-{index}" for index in range(8)))
    groups = {arm.name: of_arm(made.entries, arm) for arm in arms_of_study(made.study, made.baseline)}
    panels = [
        axes
        for axes in curves.arm_curves(groups, made.declared.selected, made.declared).figure().axes
        if axes.get_visible()
    ]
    assert [panel.get_title() for panel in panels] == [f"perturbation=kind-{index}" for index in range(1, 8)]
    assert all([line.get_label() for line in panel.get_lines()] == ["baseline", "arm"] for panel in panels)


def test_with_many_arms_the_best_effects_come_first(ablation: Callable[..., Any]) -> None:
    made = ablation(3, tuple(f"kind-{index:02d}" for index in range(20)))
    arms = arms_of_study(made.study, made.baseline)
    measured = measure_arms(made.study, arms, made.entries, TEST)
    found = judge_arms(made.study, arms, measured, comparison_spec(made.study, WORST)).effects
    plate = effects.forest(found, 0.05, None)
    names = [label.get_text() for label in plate.figure().axes[0].get_yticklabels()]
    assert names == [one.name for one in sorted(found, key=lambda one: -one.mean)]
    assert "The best first." in plate.caption


def test_parallel_coordinates_hold_every_completed_trial_and_colour_the_best(search: Callable[..., Any]) -> None:
    made = search(40)
    answer_leaders = leaders(made.results)
    plate = parallel(made.study, made.entries, made.objectives, answer_leaders)
    [axes] = plate.figure().axes
    [bundle] = [one for one in axes.collections if isinstance(one, LineCollection)]
    completed = [entry for entry in made.entries if entry.outcome == Outcome.COMPLETED]
    bright = [line for line in axes.get_lines() if line.get_linewidth() > 1.2]
    assert len(bundle.get_segments()) + len(bright) == len(completed)
    assert len(bright) == 4
    best = max(bright, key=lambda line: line.get_linewidth())
    settings = answer_leaders[0].settings
    lr, schedule, warm_up, objective = best.get_ydata()
    assert lr == pytest.approx((np.log10(settings["lr"]) + 4) / 3)
    assert schedule == ["constant", "cyclic", ["a", 1]].index(settings["schedule"]) / 2
    assert warm_up == (settings["warm_up"] / 4 if "warm_up" in settings else INACTIVE)
    assert objective == 1


def test_importance_shows_both_measures_and_a_dash_where_fanova_has_none(search: Callable[..., Any]) -> None:
    made = search(40)
    found = importance(made.study, made.entries, made.objectives[0])
    assert set(found.variance) == {"lr", "schedule"}, "warm_up is conditional"
    assert found.variance["lr"] > 0.8
    [axes] = importances({VALIDATION: found}).figure().axes
    texts = [text.get_text() for text in axes.texts]
    assert texts.count("–") == 1
    assert f"{100 * found.variance['lr']:.0f} %" in texts
    few = importance(made.study, made.entries[:15], made.objectives[0])
    assert few.values
    assert not few.variance


def test_the_hypervolume_is_drawn_trial_by_trial(search: Callable[..., Any]) -> None:
    made = search(30, [{"maximize": VALIDATION}, {"maximize": CLEAN}])
    noise = np.random.default_rng(0)
    for index, entry in enumerate(made.entries):
        made.change(index, metrics={name: value * noise.uniform(0.9, 1.1) for name, value in entry.metrics.items()})
    course = hypervolume_course(made.entries, made.objectives)
    assert course is not None
    line = pareto.hypervolume(course, made.objectives).figure().axes[0].get_lines()[0]
    assert list(line.get_ydata()) == list(course.shares)
    assert list(line.get_xdata()) == [entry.number for entry in course.trials]
    early = pareto.hypervolume(hypervolume_course(made.entries[:1], made.objectives), made.objectives)
    assert early.reason == "It needs feasible trials that differ in every objective."


def test_of_many_trials_points_become_a_picture_and_curves_bands(search: Callable[..., Any]) -> None:
    few, many = search(150), search(600)
    assert "<image" not in history.history(few.entries, few.objectives, ()).svg
    drawn = history.history(many.entries, many.objectives, ()).svg
    assert len(re.findall("<image", drawn)) == 1
    assert 'xlink:href="data:image/png;base64,' in drawn
    assert len(drawn) < 100_000
    lines = curves.trial_curves(many.entries, many.entries[:2], many.objectives[0], many.declared).figure().axes[0]
    assert len(lines.get_lines()) == 3, "the median and two leaders"
    values = np.array([entry.curve[-1][VALIDATION] for entry in many.entries[2:]])
    corners = lines.collections[0].get_paths()[0].vertices
    heights = corners[corners[:, 0] == 4, 1]
    assert (heights.min(), heights.max()) == pytest.approx(tuple(np.quantile(values, [0.1, 0.9])))


def rendered(made: Any) -> tuple[str, float]:
    """A search's page, and the seconds of CPU that it took."""
    since = time.process_time()
    page = render(StudyReport(results_of(made.study, made.declared, made.entries)))
    return page, time.process_time() - since


def test_ten_thousand_trials_are_a_page_that_opens(search: Callable[..., Any]) -> None:
    made = search(10_000)
    for index in range(0, 10_000, 50):
        made.change(index, outcome="failed", metrics={}, why="RuntimeError: out of cheese")
    few = search(1_000)
    page, seconds = rendered(made)
    assert len(page) < 4_000_000
    assert seconds < 10 * 4 * rendered(few)[1], "it grows with the square of the trials"
    assert "400 of 10000 trials" in page
    assert page.count('<details class="trouble">') == 40
    assert "more are not shown here" in page
