"""What an answer says of datasets that a study lacks: nothing with two, an interval over their means from three."""

from __future__ import annotations

import numpy as np
import pytest

from saddle.analyse.ablation import answer_ablation
from saddle.analyse.result import Answer
from saddle.design import make_arms, replicates_of
from saddle.study.models import Study
from tests.support.declared import declare
from tests.support.records import make_record

METRIC = "test/accuracy"


def answer_of(gains: dict[str, float]) -> Answer:
    """Of an ablation whose arm gains so much on each dataset, with seeds of a standard deviation of half a point."""
    study = Study.model_validate({
        "study": "a", "trainable": "t",
        "ablation": {"factors": {"p": ["sta", "mp"]}, "seeds": 5, "blocks": {"dataset": list(gains)},
                     "compare": {"metric": METRIC}},
    })  # fmt: skip
    draw = np.random.default_rng(4)
    assert study.ablation is not None
    records = []
    for one in replicates_of(study.ablation, make_arms(study.ablation, {})):
        value = 0.5 + (one.arm.levels["p"] == "mp") * gains[one.block["dataset"]] + 0.005 * draw.normal()
        settings = {**one.arm.settings, **one.block}
        records.append(
            make_record(
                one.key, "a", one.seed, "completed", {}, settings, {METRIC: value}, arm=one.arm.name,
                block=dict(one.block),
            )
        )  # fmt: skip
    return answer_ablation(study, records, declare({METRIC: "maximize"}))


def over_datasets(answer: Answer) -> list[str]:
    return [line for line in answer.warnings if "dataset means" in line]


def test_the_sentence_names_the_datasets_that_it_is_about() -> None:
    answer = answer_of({"digits": 0.05, "mnist": 0.01})
    assert answer.sentence.startswith("mp is 3.59 points more accurate than sta (49.69 → 53.28 %).")
    assert " mp helps in test/accuracy" in answer.sentence
    assert answer.sentence.endswith("On average over digits and mnist (dataset), these only.")
    assert over_datasets(answer) == []


def test_gains_of_either_sign_on_three_datasets_do_not_speak_for_others() -> None:
    answer = answer_of({"digits": 0.10, "mnist": -0.04, "svhn": 0.03})
    assert str(answer.effects[0].verdict) == "helps", "of these three, on average"
    [line] = over_datasets(answer)
    assert line.startswith("mp over 3 dataset means: +3")
    assert "(−15" in line
    assert "another dataset is expected at −" in line


def test_gains_that_are_alike_everywhere_have_no_spread_between_datasets() -> None:
    [line] = over_datasets(answer_of(dict.fromkeys(("digits", "mnist", "svhn", "gtsrb"), 0.05)))
    assert "they differ with a standard deviation of 0.0" in line


@pytest.mark.parametrize("mean", [0.0])
def test_a_mean_gain_of_nothing_over_datasets_is_claimed_rarely(mean: float) -> None:
    from saddle.analyse.statistics.regression.random_effects import block_means

    draw = np.random.default_rng(5)
    claims = 0
    for _ in range(2_000):
        truth = mean + 3 * draw.standard_normal(4)
        values = truth[:, None] + draw.standard_normal((4, 5))
        found = block_means(list(values.mean(1)), list(values.var(1, ddof=1) / 5))
        claims += not found.low <= 0 <= found.high
    assert claims / 2_000 <= 0.05 + 4 * (0.05 * 0.95 / 2_000) ** 0.5
