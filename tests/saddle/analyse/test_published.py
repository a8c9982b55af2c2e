"""Published values stand beside our means, arm by arm, and every condition that is not ours is named."""

from __future__ import annotations

from typing import Any

import pytest

from saddle.analyse.published import compare_published
from saddle.design import make_arms
from saddle.report.study_sections.published import published_table
from saddle.study.models import Study
from saddle.study.published import PublishedValue
from saddle.study.trainable.loading import load_trainable
from saddle.trial.record import TrialRecord
from tests.support.records import changed, make_record
from tests.support.results import results_of
from trainables import adversarial_training

METRIC = "test/clean_accuracy"
TRAINABLE = load_trainable("adversarial_training")
STUDY: dict[str, Any] = {
    "study": "controls",
    "trainable": "adversarial_training",
    "ablation": {"factors": {"perturbation": ["sta", "mp"]}, "seeds": 3},
}


def value(arm: str = "mp", number: float = 0.9, metric: str = METRIC, **conditions: Any) -> PublishedValue:
    return PublishedValue(arm=arm, metric=metric, value=number, source="A, Table 1", conditions=conditions)


def trials(block: Any = None, **params: Any) -> list[TrialRecord]:
    """Three seeds of two arms: mp at 0.80, 0.82 and 0.84, sta ten points below."""
    arms = make_arms(Study.model_validate(STUDY).ablation, {})
    return [
        make_record(
            key=f"{arm.key}-{seed}-{block}", study="controls", seed=seed, outcome="completed", arm=arm.name,
            params={"epsilon": 0.1, "epochs": 10, "tasks": {"odd_even": {}}, "nested": {"size": 8}, **params},
            settings=dict(arm.settings), block={} if block is None else {"dataset": block},
            metrics={METRIC: 0.7 + 0.02 * seed + 0.1 * (not arm.is_baseline)},
        )
        for arm in arms for seed in range(3)
    ]  # fmt: skip


def arms() -> Any:
    return make_arms(Study.model_validate(STUDY).ablation, {})


@pytest.mark.parametrize("name", ["mp", "perturbation=mp"])
def test_our_mean_and_spread_stand_beside_the_value_of_its_arm(name: str) -> None:
    [row] = compare_published([value(name)], arms(), trials()).rows
    assert row.arm == "mp"
    assert (row.mean, row.sd, row.n) == (pytest.approx(0.82), pytest.approx(0.02), 3)
    assert row.difference == pytest.approx(-0.08)


def test_the_baseline_may_be_called_so() -> None:
    [row] = compare_published([value("baseline")], arms(), trials()).rows
    assert (row.arm, row.mean) == ("sta", pytest.approx(0.72))


def test_conditions_that_are_not_ours_are_named() -> None:
    conditions = {"epsilon": 0.1, "epochs": 200, "nested.size": 9, "checkpoint": "best"}
    [row] = compare_published([value(**conditions)], arms(), trials()).rows
    found = {one.name: (one.published, one.ours) for one in row.differing}
    assert found == {"epochs": (200, (10,)), "nested.size": (9, (8,)), "checkpoint": ("best", ())}


def test_equal_numbers_are_equal_however_they_are_written() -> None:
    assert not compare_published([value(epochs=10.0)], arms(), trials()).rows[0].differing
    assert compare_published([value(epochs=True)], arms(), trials()).rows[0].differing


def test_a_condition_on_which_our_trials_differ_differs() -> None:
    mixed = trials()
    mixed[-1] = changed(mixed[-1], params={**mixed[-1].params, "epochs": 11})
    [row] = compare_published([value(epochs=10)], arms(), mixed).rows
    assert [one.ours for one in row.differing] == [(10, 11)]


def test_the_configuration_says_when_two_ways_of_writing_mean_the_same() -> None:
    whole = adversarial_training.Config(tasks=["odd_even"]).model_dump(mode="json")
    conditions = {"tasks": ["odd_even"], "attacks": "[pgd]", "network": "resnet"}
    assert "tasks" in {
        one.name for one in compare_published([value(**conditions)], arms(), trials(**whole)).rows[0].differing
    }
    [row] = compare_published([value(**conditions)], arms(), trials(**whole), adversarial_training.Config).rows
    assert [one.name for one in row.differing] == ["attacks", "network"]


def test_what_has_no_arm_or_is_not_measured_is_told() -> None:
    values = [value("rfgsm"), value(metric="test/robust_accuracy.cw"), value("sta")]
    found = compare_published(values, arms(), trials())
    assert found.unknown_arms == ("rfgsm",)
    assert found.not_measured == ("test/robust_accuracy.cw",)
    assert [row.arm for row in found.rows] == ["sta"]


def test_before_anything_is_trained_values_stand_alone() -> None:
    [row] = compare_published([value(epochs=200)], arms(), []).rows
    assert (row.mean, row.n, row.differing) == (None, 0, ())


def test_a_value_is_held_against_the_block_it_was_measured_in() -> None:
    better = trials("digits", dataset="digits")
    worse = [
        changed(entry, key=entry.key + "x", block={"dataset": "mnist"}, metrics={METRIC: 0.5},
                params={**entry.params, "dataset": "mnist"})
        for entry in better
    ]  # fmt: skip
    both = [*better, *worse]
    [inside] = compare_published([value(dataset="digits")], arms(), both).rows
    [across] = compare_published([value()], arms(), both).rows
    assert (inside.mean, inside.n, inside.differing) == (pytest.approx(0.82), 3, ())
    assert (across.mean, across.n) == (pytest.approx((0.82 + 0.5) / 2), 3)
    assert (inside.block, across.block) == ({"dataset": "digits"}, {})
    study = Study.model_validate(
        {**STUDY, "published": {"file": "t.csv", "values": [value(dataset="mnist").model_dump(), value().model_dump()]}}
    )
    table = published_table(results_of(study, TRAINABLE, both, {}))
    assert table is not None
    assert [row[0] for row in table.rows] == ["mp in dataset=mnist", "mp"], "a row says which block it is of"


def test_the_table_tells_common_conditions_once_and_others_in_their_rows() -> None:
    rows = [value("sta", 0.75, epochs=200), value("mp", 0.9, epochs=200, epsilon=0.3, n=3)]
    study = Study.model_validate(
        {**STUDY, "published": {"file": "table1.csv", "values": [row.model_dump() for row in rows]}}
    )
    table = published_table(results_of(study, TRAINABLE, trials(), {}))
    assert table is not None
    assert table.columns == ("arm", "metric", "published", "ours", "difference", "other conditions", "source")
    assert table.rows == (
        ("sta", "test clean accuracy", "75.0 %", "72.0 % ± 2.0 (n = 3)", "−3.0 points", "–", "A, Table 1"),
        ("mp", "test clean accuracy", "90.0 %", "82.0 % ± 2.0 (n = 3)", "−8.0 points",
         "epsilon 0.3 (ours 0.1); n 3 (no setting here)", "A, Table 1"),
    )  # fmt: skip
    assert "may explain a difference: epochs 200 (ours 10)." in table.note
    assert published_table(results_of(Study.model_validate(STUDY), TRAINABLE, trials(), {})) is None


def test_an_arm_of_several_factors_is_found_by_a_level_and_the_conditions() -> None:
    ablation = {"design": "factorial", "factors": {"perturbation": ["sta", "mp"], "tasks": [["a"], ["a", "b"]]}}
    study = Study.model_validate({**STUDY, "ablation": ablation})
    wide = make_arms(study.ablation, {})
    found = compare_published([value("mp", tasks=["a", "b"]), value("mp", tasks=["b"]), value("mp")], wide, [])
    assert [row.arm for row in found.rows] == ["perturbation=mp, tasks=[a, b]"]
    assert found.unknown_arms == ("mp",)


def test_what_a_table_says_about_itself_stands_below_it() -> None:
    listed = {"file": "t.csv", "values": [value().model_dump()], "notes": ["Two cells differ."]}
    study = Study.model_validate({**STUDY, "published": listed})
    table = published_table(results_of(study, TRAINABLE, trials(), {}))
    assert table is not None
    assert table.note.endswith("Two cells differ.")
