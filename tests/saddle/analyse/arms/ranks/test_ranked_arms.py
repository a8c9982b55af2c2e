"""Arms ranked by groups of metrics: the ranks by hand, the verdicts, what they follow, and which arm is recommended."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.arms.ranks.mean_ranks import RankedGroup, mean_ranks, percentile_ranks, rank_group
from saddle.analyse.arms.ranks.rank_response import rank_response
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.ranked_arms import balance_sentence, response_sentence, verdict_sentence
from saddle.errors import StudyError
from saddle.report.html import render
from saddle.report.markdown import render_markdown
from saddle.report.study_report import StudyReport
from saddle.study.models import Study
from saddle.studyfile.loader import parse_studies
from tests.support.declared import declare
from tests.support.records import make_record
from tests.support.results import results_of
from trainables.contract import Metric, complete_metric

ROBUST, CLEAN = "test/robust_accuracy.worst_case", "test/clean_accuracy"
SPARSE, ENTROPY, SHAKE = "test/sparse", "test/entropy", "test/shake"
DECLARED = declare(
    {ROBUST: "maximize", CLEAN: "maximize", SPARSE: "maximize", ENTROPY: "minimize", SHAKE: "minimize"}, ROBUST
)
LARGE, SMALL = (complete_metric(SPARSE, Metric("maximize")), complete_metric(ENTROPY, Metric("minimize")))


def arms_of(*values: list[float]) -> list[ArmValues]:
    return [ArmValues(f"arm{index}", dict(enumerate(each))) for index, each in enumerate(values)]


def test_ranks_are_aligned_taken_in_the_better_direction_and_averaged() -> None:
    larger = arms_of([1.0, 15.0], [2.0, 14.0], [3.0, 10.0])
    # less the seeds' means of 2 and 13: -1, 0, 1 and 2, 1, -3, so that the costs are ranked 5, 4, 2.5 and 1, 2.5, 6
    assert percentile_ranks(LARGE, larger, [0, 1]).tolist() == [
        pytest.approx([4.5 / 6, 0.5 / 6]),
        pytest.approx([3.5 / 6, 2 / 6]),
        pytest.approx([2 / 6, 5.5 / 6]),
    ]
    smaller = arms_of([1.0, 1.0], [1.0, 1.0], [1.0, 1.0])
    ranked = mean_ranks({LARGE: larger, SMALL: smaller})
    assert [arm.values for arm in ranked] == [
        pytest.approx({0: (4.5 / 6 + 0.5) / 2, 1: (0.5 / 6 + 0.5) / 2}),
        pytest.approx({0: (3.5 / 6 + 0.5) / 2, 1: (2 / 6 + 0.5) / 2}),
        pytest.approx({0: (2 / 6 + 0.5) / 2, 1: (5.5 / 6 + 0.5) / 2}),
    ]


def test_a_metric_on_a_log_scale_is_aligned_there() -> None:
    log = complete_metric(SHAKE, Metric("minimize", scale="log"))
    arms = arms_of([1.0, 1000.0], [10.0, 10000.0])
    assert percentile_ranks(log, arms, [0, 1]).tolist() == [[0.25, 0.25], [0.75, 0.75]], "tenfold at either seed"
    assert percentile_ranks(SMALL, arms, [0, 1])[1].tolist() == [0.625, 0.875], "and not by their differences"
    assert percentile_ranks(log, arms_of([0.0], [1.0]), [0]).tolist() == [[0.25], [0.75]]


def test_values_that_are_alike_tie_however_large_or_small() -> None:
    for value in (0.0, 1e-200, 1.0, 1e200):
        near = [value * (1 + 1e-15), value]
        assert percentile_ranks(LARGE, arms_of([value, value], near), [0, 1]).tolist() == [[0.5, 0.5]] * 2


def test_a_seed_without_a_value_is_ranked_by_the_other_metrics_or_lost() -> None:
    whole = arms_of([1.0, 2.0], [2.0, 1.0])
    part = [ArmValues("arm0", {0: 1.0, 1: 1.0}), ArmValues("arm1", {0: 2.0}, {1: "collapsed"})]
    both = mean_ranks({LARGE: whole, SMALL: part})
    assert [arm.values for arm in both] == [
        pytest.approx({0: (0.75 + 0.25) / 2, 1: 0.25}),
        pytest.approx({0: (0.25 + 0.75) / 2, 1: 0.75}),
    ]
    [first, second] = mean_ranks({SMALL: part})
    assert first.values == {0: 0.25}
    assert first.lost == {1: "not ranked, as arm1 has no value"}
    assert second.lost == {1: "collapsed"}
    assert not first.failures
    assert second.failures


def group_of(*values: list[float], **spec: Any) -> RankedGroup:
    found = rank_group("concise", {LARGE: arms_of(*values)}, ComparisonSpec(complete_metric(ROBUST), **spec))
    assert found is not None
    return found


def test_a_better_rank_helps_and_groups_are_families_of_their_own() -> None:
    draw = np.random.default_rng(7)
    noise = [list(0.5 + 0.01 * draw.normal(size=6)) for _ in range(4)]
    better = [value + 0.2 for value in noise[1]]
    group = group_of(noise[0], better, noise[2], noise[3])
    assert group.effects[0].verdict is Verdict.HELPS
    assert {effect.verdict for effect in group.effects[1:]} == {Verdict.NO_DIFFERENCE}
    assert group.effects[0].direction == "minimize"
    assert group.metric.bounds == (0.0, 1.0)
    assert group.effects[0].mean == pytest.approx(
        np.mean(list(group.arms[1].values.values())) - np.mean(list(group.arms[0].values.values()))
    )
    assert verdict_sentence(group) == (
        "By concise (1 metric): arm1 ranks better than arm0; no difference shown for arm2 and arm3."
    )


def test_a_margin_of_the_compared_metric_is_none_of_ranks() -> None:
    draw = np.random.default_rng(1)
    arms = [list(draw.normal(size=6)) for _ in range(2)]
    assert group_of(*arms, equivalence=0.5).effects[0].verdict in (Verdict.NO_DIFFERENCE, Verdict.UNSETTLED)
    assert group_of(*arms, scale="log").effects[0].verdict is Verdict.NO_DIFFERENCE


def test_nothing_measured_is_no_group() -> None:
    assert rank_group("none", {LARGE: [ArmValues("a", {}, {0: "failed"})]}, ComparisonSpec(LARGE)) is None


def test_the_slope_is_that_of_each_seed_averaged() -> None:
    draw = np.random.default_rng(2)
    x, c = draw.normal(size=(2, 5, 4))  # five arms, four seeds
    y = 2.0 * x - 3.0 * c + 0.1 * draw.normal(size=(5, 4)) + np.arange(4)
    ranks, predictor, covariate = (arms_of(*(list(row) for row in each)) for each in (y, x, c))
    slopes = [stats.linregress(x[:, seed], y[:, seed]).slope for seed in range(4)]
    alone = rank_response(ranks, [predictor])
    assert alone is not None
    assert alone.slope == pytest.approx(np.mean(slopes))
    low, high = stats.t.interval(0.95, 3, np.mean(slopes), stats.sem(slopes))
    assert (alone.low, alone.high, alone.n) == (pytest.approx(low), pytest.approx(high), 4)
    held = rank_response(ranks, [predictor, covariate])
    assert held is not None
    assert held.slope == pytest.approx(2, abs=0.3)
    assert abs(held.slope - 2) < abs(alone.slope - 2)


def test_no_slope_of_too_few_arms_seeds_or_of_one_predictor_twice() -> None:
    draw = np.random.default_rng(3)
    arms = arms_of(*(list(row) for row in draw.normal(size=(5, 4))))
    other = arms_of(*(list(row) for row in draw.normal(size=(5, 4))))
    assert rank_response(arms, [other, other]) is None, "two predictors that determine each other"
    assert rank_response(arms[:3], [other[:3], arms[:3]]) is None, "as many parameters as arms"
    few = [ArmValues(arm.arm, {seed: arm.values[seed] for seed in (0, 1)}) for arm in arms]
    assert rank_response(few, [other]) is None, "two seeds"
    assert rank_response(arms, [other]) is not None


STUDY: dict[str, Any] = {
    "study": "s",
    "question": "Does more help?",
    "trainable": "t",
    "ablation": {
        "factors": {"dose": [0, 1, 2]},
        "seeds": 5,
        "compare": {
            "metric": ROBUST,
            "not_worse": {CLEAN: 0.05},
            "ranks": {"concise": [SPARSE, ENTROPY], "stable": [SHAKE], "absent": ["test/nothing*"]},
        },
    },
}


def results(clean: tuple[float, float, float] = (0.95, 0.94, 0.6), **compare: Any) -> StudyResults:
    """Three doses, ever more robust and sparse, with these clean accuracies."""
    changed = {**STUDY, "ablation": {**STUDY["ablation"], "compare": {**STUDY["ablation"]["compare"], **compare}}}
    study = Study.model_validate(changed)
    records, draw = [], np.random.default_rng(0)
    for dose in range(3):
        for seed in range(5):
            noise, other = 0.005 * draw.normal(size=2)
            metrics = {
                ROBUST: 0.2 + 0.1 * dose + noise,
                CLEAN: clean[dose] + noise * (1 + dose),
                SPARSE: 0.3 + 0.1 * dose + noise,
                ENTROPY: 2 - 0.2 * dose + other,
                SHAKE: 1.0 + (0.5, -0.4, 0.3, -0.2, 0.1)[(seed + dose) % 5],
            }
            records.append(
                make_record(f"{dose}-{seed}", "s", seed, "completed", {}, {"dose": dose}, metrics, arm=f"dose={dose}")
            )
    return results_of(study, DECLARED, records, {"dose": 0})


def test_a_study_says_its_verdicts_and_what_it_recommends() -> None:
    found = results()
    concise, stable = found.answer.ranked
    assert [arm.arm for arm in concise.group.arms] == ["dose=0", "dose=1", "dose=2"]
    assert [effect.verdict_text for effect in concise.group.effects] == ["helps", "helps"]
    assert {effect.verdict for effect in stable.group.effects} == {Verdict.NO_DIFFERENCE}
    assert concise.balance is not None
    assert concise.balance.recommended == "dose=1", "dose 2 ranks better and loses 35 points"
    assert [arm.on_front for arm in concise.balance.arms] == [True, True, True]
    assert balance_sentence(concise.balance) == (
        "By concise against test/clean_accuracy, recommended: dose=1; of the arms with a better mean rank that lose at"
        " most 5.0 points of test/clean_accuracy, it has the best."
    )
    assert "By concise (2 metrics): dose=1 and dose=2 rank better than dose=0." in found.answer.statistics
    assert "recommended: none; no arm is shown to have a better mean rank than dose=0." in found.answer.statistics


def test_none_is_recommended_where_every_better_rank_costs_too_much_or_nothing_is_declared() -> None:
    costly = results(clean=(0.95, 0.8, 0.6)).answer.ranked[0].balance
    assert costly is not None
    assert costly.recommended is None
    assert costly.says == (
        "dose=1 and dose=2 have a better mean rank, and none of them is shown to lose at most 5.0 points of"
        " test/clean_accuracy"
    )
    open_ended = results(not_worse={}).answer.ranked[0].balance
    assert open_ended is not None
    assert open_ended.recommended is None
    assert "declares no accepted loss of test/clean_accuracy" in open_ended.says


def test_a_dominated_arm_is_off_the_front() -> None:
    balance = results(clean=(0.90, 0.91, 0.92)).answer.ranked[0].balance
    assert balance is not None
    assert [arm.on_front for arm in balance.arms] == [False, False, True]
    assert balance.recommended == "dose=2"


def test_the_report_has_tables_and_figures_of_ranks() -> None:
    found = results()
    page, text = render(StudyReport(found)), render_markdown(StudyReport(found))
    for id in ('<section id="ranks">', '<figure id="figure-rank-response">', '<figure id="figure-rank-front">'):
        assert id in page
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| dose=")
    ]
    assert ["dose=0", "baseline", "95.1 %", "yes"] in [[row[0], row[2], *row[5:]] for row in rows if len(row) == 7]
    assert "16.7 ±" in next(row[1] for row in rows if row[0] == "dose=2" and "±" in row[1])
    assert response_sentence(found.answer.ranked[0].group, found.metric, found.answer.ranked[0].response) in text  # type: ignore[arg-type]
    assert "ranks" not in [part for part in render(StudyReport(results(ranks={}))).split('"') if part == "ranks"]


def test_a_study_file_may_rank_by_what_the_trainable_declares() -> None:
    text = """
study: dose
trainable: adversarial_training
fixed: {dataset: digits}
ablation:
  baseline: {epsilon: 0.0}
  factors: {epsilon: [0.0, 0.1]}
  compare: {metric: test/robust_accuracy.worst_case, ranks: {concise: [PATTERN]}}
"""
    [study] = parse_studies(text.replace("PATTERN", "test/sparseness.*"), "dose.yaml")
    assert study.ablation is not None
    assert study.ablation.compare.ranks == {"concise": ["test/sparseness.*"]}
    with pytest.raises(StudyError, match=r"unknown metric 'test/sparsenes\.gradient'.*test/sparseness\.gradient"):
        parse_studies(text.replace("PATTERN", "test/sparsenes.gradient"), "dose.yaml")
    with pytest.raises(StudyError, match="arms are ranked on data that they weren't trained on"):
        parse_studies(text.replace("PATTERN", "train/loss"), "dose.yaml")
    with pytest.raises(StudyError, match="concise"):
        parse_studies(text.replace("[PATTERN]", "[]"), "dose.yaml")
