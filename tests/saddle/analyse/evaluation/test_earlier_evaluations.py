"""A study that was measured again shows both numbers and the verdict under each evaluation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from saddle.analyse.evaluation.earlier_evaluations import earlier_evaluations
from saddle.analyse.study_comparison import compare_studies, view_of
from saddle.analyse.study_results import StudyResults
from saddle.report.comparison import facts, tables_of
from saddle.report.html import render
from saddle.report.study_report import StudyReport
from saddle.store.checkpoint.measurements import with_measurement
from saddle.studyfile.loader import parse_studies
from saddle.trial.measurement import Measurement
from tests.support.declared import declare
from tests.support.records import make_record
from tests.support.results import results_of
from trainables.contract import Metric

TEST = "test/robust_accuracy.worst_case"
[STUDY] = parse_studies(
    f"""
study: mp
question: Does MP beat STA?
trainable: adversarial_training
evaluate: {{attacks: [fgsm]}}
fixed: {{tasks: [odd_even], dataset: digits}}
ablation:
  baseline: {{perturbation: sta}}
  factors: {{perturbation: [sta, mp]}}
  seeds: 4
  compare: {{metric: {TEST}}}
""",
    "mp.yaml",
)
DECLARED = declare({TEST: Metric("maximize", unit="fraction", role="robust")}, TEST)
THEN = {"sta": (0.40, 0.41, 0.42, 0.43), "mp": (0.50, 0.512, 0.52, 0.53)}
NOW = {"sta": (0.30, 0.312, 0.32, 0.33), "mp": (0.20, 0.212, 0.222, 0.23)}


def measured(*, again: int = 4, classes: int | None = None) -> StudyResults:
    """The study with its first evaluation, and of the first seeds a second one under which the verdict turns."""
    records = []
    for arm, values in THEN.items():
        for seed, value in enumerate(values):
            params = {"perturbation": arm, "attacks": ["fgsm"]}
            record = make_record(
                f"{arm}-{seed}",
                "mp",
                seed,
                "completed",
                params,
                {"perturbation": arm},
                {TEST: value},
                arm=f"perturbation={arm}",
            )
            facts = {} if classes is None else {"classes": classes}
            record = replace(record, measurement=replace(record.measurement, fingerprints=facts))
            if seed < again:
                evaluation = {"attacks": ["fgsm", "pgd"]}
                later = Measurement({TEST: NOW[arm][seed]}, fingerprints=facts, evaluation=evaluation, when=9.0 + seed)
                record = with_measurement(record, later)
            records.append(record)
    return results_of(STUDY, DECLARED, records, {"perturbation": "sta"})


def test_near_guessing_no_evaluation_has_a_verdict_that_the_answer_does_not_give() -> None:
    results = measured(classes=2)
    view = view_of(results)
    [before] = view.earlier
    for evaluation in (before, view):
        assert [str(effect.verdict) for effect in evaluation.effects.values()] == ["not informative"]
    assert "Not informative" in results.answer.plain


def test_both_numbers_and_the_verdict_under_each_are_shown() -> None:
    view = view_of(measured())
    [before] = view.earlier
    assert (before.measured_with, view.measured_with) == ("attacks = [fgsm]", "attacks = [fgsm, pgd]")
    [then], [now] = before.effects.values(), view.effects.values()
    assert (str(then.verdict), str(now.verdict)) == ("helps", "hurts")
    assert [then.arm_mean, now.arm_mean] == pytest.approx([sum(THEN["mp"]) / 4, sum(NOW["mp"]) / 4])
    page = render(StudyReport(measured()))
    assert "Now with attacks = [fgsm, pgd], before with attacks = [fgsm]:" in page
    assert "is “hurts” now, and was “helps”." in page


def test_a_comparison_shows_a_study_under_each_of_its_evaluations() -> None:
    comparison = compare_studies([view_of(measured()), view_of(measured(again=0))])
    tables = dict(tables_of(comparison))
    rows = [(row[1], row[2], row[-1]) for row in tables["Under each evaluation"].rows]
    assert [row for row in rows if row[2] in ("helps", "hurts")] == [
        ("mp", "attacks = [fgsm]", "helps"),
        ("mp", "attacks = [fgsm, pgd]", "hurts"),
    ]
    [first, second] = facts(comparison)["studies"]
    assert [one["measured_with"] for one in first["earlier"]] == ["attacks = [fgsm]"]
    assert (second["measured_with"], second["earlier"]) == ("", [])


def test_a_trial_that_is_not_measured_so_has_no_value_there() -> None:
    results = measured(again=2)
    [before] = earlier_evaluations(results)
    assert [TEST in record.metrics for record in before.results.records] == [True] * 8
    values = [arm.values for arm in view_of(results).arms]
    assert [sorted(arm) for arm in values] == [[0, 1], [0, 1]]


def test_a_study_that_was_measured_once_is_shown_as_ever() -> None:
    results = measured(again=0)
    assert earlier_evaluations(results) == []
    assert view_of(results).earlier == ()
    assert "Under each evaluation" not in render(StudyReport(results))
