"""A budget that was written 1/255 is read as 1/255, while what keys and ledgers hold stays as it was."""

from __future__ import annotations

import re

import pytest

from saddle.analyse.text.formatting import setting
from saddle.cli.output.tables import shown
from saddle.design import labels, make_arms, replicates
from saddle.design.blocks import replicate_name
from saddle.design.designs.factorial import Factorial
from saddle.report.markdown import render_markdown
from saddle.report.study_report import StudyReport
from saddle.study.grey_levels import grey_levels, with_grey_levels
from saddle.studyfile.loader import parse_studies
from saddle.track.arm_payload import describe_arms
from tests.support.declared import declare
from tests.support.records import make_record
from tests.support.results import results_of

LONG_DECIMAL = re.compile(r"\d\.\d{7,}")
DOSE = """
study: dose
trainable: adversarial_training
fixed: {dataset: cifar10, perturbation: sta}
ablation:
  baseline: {epsilon: 0.0}
  factors: {epsilon: [0.0, 1/255, 8/255]}
"""


@pytest.mark.parametrize(
    ("value", "written"),
    [(1 / 255, "1/255"), (8 / 255, "8/255"), (254 / 255, "254/255"), (0.2, ""), (0.0, ""), (1.0, ""), (0.0039, ""),
     (1 / 3, ""), (1 / 254, ""), (-1 / 255, ""), (float("nan"), ""), (9.5, "")],
)  # fmt: skip
def test_only_whole_grey_levels_without_a_short_decimal_are_written_so(value: float, written: str) -> None:
    assert grey_levels(value) == written


def test_names_keep_everything_else() -> None:
    assert (
        with_grey_levels(f"epsilon={1 / 255}, lr=0.001, k=0.123456789012")
        == "epsilon=1/255, lr=0.001, k=0.123456789012"
    )
    assert with_grey_levels(f"step={2 / 255} × beta=6.0") == "step=2/255 × beta=6.0"
    assert with_grey_levels(f"run.{1 / 255}x") == f"run.{1 / 255}x"
    assert setting(8 / 255) == shown(8 / 255) == "8/255"
    assert setting([2 / 255, 0.5]) == "[2/255, 0.5]"


def test_people_read_fractions_and_keys_stay() -> None:
    [study] = parse_studies(DOSE, "dose.yaml")
    assert study.ablation is not None
    arms = make_arms(study.ablation, study.ablation.baseline, {})
    assert labels(arms) == ["epsilon=0.0", "epsilon=1/255", "epsilon=8/255"]
    assert [arm.name for arm in arms][1] == f"epsilon={1 / 255}"
    assert arms[1].key.startswith("epsilon-0.00392156862745098-")
    assert replicate_name(arms[1].name, 2, {"attack_epsilon": 8 / 255}) == "epsilon=1/255, seed 2, attack_epsilon=8/255"


def test_effects_of_crossed_designs_do_so_too() -> None:
    crossed = DOSE.replace("8/255]}", "8/255], dropout: [0.0, 0.3]}\n  design: factorial")
    [study] = parse_studies(crossed, "dose.yaml")
    assert study.ablation is not None
    arms = make_arms(study.ablation, study.ablation.baseline, {})
    contrasts = Factorial().contrasts(study.ablation.factors, arms)
    assert contrasts is not None
    names = [effect.name for effect in contrasts.effects]
    assert "epsilon=1/255" in names
    assert "epsilon=8/255 × dropout=0.3" in names


def test_report_and_mlflow_show_them_under_the_names_that_the_ledger_has() -> None:
    [study] = parse_studies(DOSE, "dose.yaml")
    assert study.ablation is not None
    metric = "test/robust_accuracy.worst_case"
    declared = declare({metric: "maximize", "validation/robust_accuracy.worst_case": "maximize"})
    arms = make_arms(study.ablation, study.ablation.baseline, {})
    records = [
        make_record(
            one.key, "dose", one.seed, "completed", {"epsilon": one.arm.settings["epsilon"]}, one.arm.settings,
            {metric: 0.5 + one.arm.settings["epsilon"] * (10 + one.seed)}, arm=one.arm.name, epochs=1,
        )
        for one in replicates(arms, study.ablation.seed_list)
    ]  # fmt: skip
    results = results_of(study, declared, records)
    text = render_markdown(StudyReport(results))
    before_reproduction, _, _ = text.partition("```yaml")
    assert "epsilon=8/255" in before_reproduction
    assert not LONG_DECIMAL.search(before_reproduction), "the study file to repeat it with keeps what it says"
    told = describe_arms(results, finished=True)
    assert [summary.name for summary in told.values()] == ["epsilon=0.0", "epsilon=1/255", "epsilon=8/255"]
    assert list(told) == [arm.name for arm in arms], "runs go by the ledger's names"
