"""Differences on another scale: ratios of what can't be negative, log-odds of shares near 1."""

from __future__ import annotations

import math
from typing import Any

import pytest

from saddle.analyse.answer import Answer
from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.sentences import scale_of
from saddle.analyse.statistics.scales import ScaleName, from_scale, mean_on, to_scale
from saddle.analyse.study_comparison import compare_studies, view_of
from saddle.design import make_arms, replicates
from saddle.design.blocks import block_list
from saddle.errors import StudyError
from saddle.study.models import Study
from saddle.studyfile.loader import parse_studies
from tests.support.declared import declare
from tests.support.records import make_record
from tests.support.results import results_of
from trainables.contract import Metric

DISTANCE = "test/distance"
ACCURACY = "test/accuracy"
DECLARED = declare({DISTANCE: Metric("minimize", low=0.0), ACCURACY: "maximize"}, DISTANCE)


def results(
    metric: str,
    values: dict[str, list[float]],
    blocks: dict[str, Any] | None = None,
    race: str = "none",
    **compare: Any,
) -> Any:
    """A study of which `values[arm][seed]` are measured; in block k of a setting they are 10^k times as large."""
    study = Study.model_validate(
        {
            "study": "s",
            "trainable": "t",
            "ablation": {
                "factors": {"arm": list(values)},
                "seeds": len(next(iter(values.values()))),
                "blocks": blocks or {},
                "race": race,
                "compare": {"metric": metric, **compare},
            },
        }
    )
    assert study.ablation is not None
    start = {"arm": next(iter(values))}
    arms = make_arms(study.ablation, start)
    entries = [
        make_record(
            one.key, "s", one.seed, "completed", {}, {**one.arm.settings, **one.block},
            {metric: values[str(one.arm.settings["arm"])][one.seed] * 10 ** int(one.block.get("k", 0))},
            arm=one.arm.name, block=dict(one.block),
        )
        for one in replicates(arms, study.ablation.seed_list, block_list(study.ablation.blocks))
    ]  # fmt: skip
    return results_of(study, DECLARED, entries, start)


def only(answer: Answer) -> Effect:
    [effect] = answer.effects
    return effect


BASE = [40.0, 50.0, 60.0, 45.0, 55.0]
BETTER = [value * factor for value, factor in zip(BASE, (0.79, 0.81, 0.80, 0.79, 0.81), strict=True)]


def test_a_ratio_is_said_as_a_ratio() -> None:
    answer = results(DISTANCE, {"base": BASE, "better": BETTER}, scale="log").answer
    effect = only(answer)
    assert effect.verdict is Verdict.HELPS
    assert effect.mean == pytest.approx(math.fsum(map(math.log, (0.79, 0.81, 0.80, 0.79, 0.81))) / 5)
    assert effect.baseline_mean == pytest.approx(math.prod(BASE) ** (1 / 5)), "the geometric mean, in units"
    assert "test distance is 20.0 % lower than with base" in answer.sentence
    assert "−20.0 % (95 % interval −21.2 to −18.8, 5 seeds" in answer.sentence
    row = answer.rows[1]
    assert "−20.0" in row
    assert "difference (%)" in answer.columns


def test_ratios_see_what_differences_do_not() -> None:
    values = {"base": [10.0, 100.0, 1000.0, 30.0, 300.0], "better": [8.0, 79.0, 810.0, 24.3, 238.0]}
    assert only(results(DISTANCE, values).answer).verdict is Verdict.NO_DIFFERENCE
    assert only(results(DISTANCE, values, scale="log").answer).verdict is Verdict.HELPS


def test_logits_tell_shares_near_one_apart() -> None:
    values = {"base": [0.99, 0.991, 0.989, 0.99, 0.992], "better": [0.995, 0.9955, 0.9945, 0.995, 0.996]}
    answer = results(ACCURACY, values, scale="logit").answer
    assert only(answer).mean == pytest.approx(0.70, abs=0.01), "half the errors are half the odds"
    assert "logits" in answer.sentence
    assert "99.0" in answer.sentence, "values stay in per cent"
    assert "99.5" in answer.sentence


@pytest.mark.parametrize(
    ("metric", "scale", "value", "what"),
    [
        (DISTANCE, "log", 0.0, "test/distance = 0 (b, seed 1) has no logarithm"),
        (DISTANCE, "log", -0.25, "test/distance = -0.25 (b, seed 1) has no logarithm"),
        (ACCURACY, "logit", 1.0, "test/accuracy = 1 (b, seed 1) has no logit"),
        (ACCURACY, "logit", 0.0, "test/accuracy = 0 (b, seed 1) has no logit"),
    ],
)
@pytest.mark.parametrize("race", ["none", "pocock"])
def test_a_value_off_the_scale_is_refused_by_name_and_nothing_is_claimed(
    metric: str, scale: str, value: float, what: str, race: str
) -> None:
    values = {"a": [0.3, 0.4, 0.5, 0.6], "b": [0.8, value, 0.9, 0.9], "c": [0.9, 0.9, 0.95, 0.99]}
    answer = results(metric, values, race=race, scale=scale).answer
    assert answer.sentence == f"Not compared: {what}, so no difference is taken with scale: {scale}; use scale: linear."
    assert {effect.verdict for effect in answer.effects} == {Verdict.UNSETTLED}
    assert all(effect.low is None for effect in answer.effects)


def test_over_blocks_ratios_are_averaged_not_sums() -> None:
    """With 10 and 100 times the values in other blocks, the ratio is the same in each, and so is the average."""
    found = results(DISTANCE, {"base": BASE, "better": BETTER}, {"k": [0, 1, 2]}, scale="log")
    alone = results(DISTANCE, {"base": BASE, "better": BETTER}, scale="log")
    assert only(found.answer).mean == pytest.approx(only(alone.answer).mean)
    assert found.answer.block_columns[-2] == "difference (%)"
    assert {row[-2] for row in found.answer.block_rows} == {"−20.0"}
    assert any("better over 3 k means: −20.0" in warning for warning in found.answer.warnings)


def test_a_margin_is_one_of_the_scale() -> None:
    values = {"base": BASE, "same": [value * f for value, f in zip(BASE, (1.01, 0.99, 1.0, 1.01, 0.99), strict=True)]}
    answer = results(DISTANCE, values, scale="log", equivalence=0.1).answer
    assert only(answer).verdict is Verdict.EQUIVALENT
    assert "(within −9.5 to +10.5 %)" in answer.sentence


def test_studies_are_compared_on_the_scale_of_the_first() -> None:
    views = [view_of(results(DISTANCE, {"base": values, "other": BETTER}, scale="log")) for values in (BASE, BETTER)]
    between = compare_studies(views).between
    assert between[0].mean == pytest.approx(only(results(DISTANCE, {"a": BASE, "b": BETTER}, scale="log").answer).mean)
    assert scale_of(between, views[0].metric).difference(between[0].mean) == "−20.0 %"


@pytest.mark.parametrize("scale", ["linear", "log", "logit"])
@pytest.mark.parametrize("value", [0.001, 0.5, 0.999])
def test_a_value_comes_back_from_its_scale(scale: ScaleName, value: float) -> None:
    assert from_scale(to_scale(value, scale), scale) == pytest.approx(value)
    assert mean_on([value, value], scale) == pytest.approx(value)


STUDY = """
study: s
trainable: parabola
ablation: {factors: {mode: [plain, curved]}, compare: {metric: METRIC, scale: SCALE, equivalence: 1.5}}
"""


@pytest.mark.parametrize(
    ("metric", "scale", "problem"),
    [
        ("validation/accuracy", "logit", ""),
        ("test/score", "logit", "test/score is unbounded, and a logit is one of a share from 0 to 1"),
        ("test/score", "log", ""),
        ("test/score", "root", "scale"),
    ],
)
def test_a_scale_that_a_metric_can_not_have_is_refused(metric: str, scale: str, problem: str) -> None:
    text = STUDY.replace("METRIC", metric).replace("SCALE", scale)
    if not problem:
        [study] = parse_studies(text, "s.yaml")
        assert study.ablation is not None
        assert study.ablation.compare.scale == scale
    else:
        with pytest.raises(StudyError) as refused:
            parse_studies(text, "s.yaml")
        assert problem in str(refused.value)


def test_a_metric_that_can_be_negative_has_no_logarithm() -> None:
    text = STUDY.replace("METRIC", "test/robust_accuracy.fgsm_gap").replace("SCALE", "log")
    text = text.replace("parabola", "counterfactual_gan").replace("{mode: [plain, curved]}", "{half_cycles: [1, 2]}")
    with pytest.raises(StudyError) as refused:
        parse_studies(text.replace("test/robust_accuracy.fgsm_gap", "test/p_fake_correlation.d"), "s.yaml")
    assert "test/p_fake_correlation.d can be -1, and what is not positive has no logarithm" in str(refused.value)
