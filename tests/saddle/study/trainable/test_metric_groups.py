"""Hundreds of metrics as a dozen groups, none of which is lost."""

from __future__ import annotations

from saddle.cli.trainables import detail_cell, metric_rows
from saddle.study.trainable.loading import load_trainable
from saddle.study.trainable.metric_groups import MetricGroup, metric_groups


def test_measures_with_the_same_splits_and_details_are_one_group() -> None:
    names = ["train/loss", "train/steps", "validation/accuracy", "test/accuracy", "test/robust.pgd", "test/angle.pgd"]
    assert metric_groups(names) == [
        MetricGroup(("loss", "steps"), ("train",), ("",)),
        MetricGroup(("accuracy",), ("validation", "test"), ("",)),
        MetricGroup(("robust", "angle"), ("test",), ("pgd",)),
    ]


def test_a_measure_is_one_of_all_its_details_though_splits_differ_in_them() -> None:
    [group] = metric_groups(["validation/robust.pgd", "test/robust.pgd", "test/robust.apgd", "test/robust"])
    assert group == MetricGroup(("robust",), ("validation", "test"), ("pgd", "apgd", ""))


def test_every_metric_of_a_method_with_hundreds_is_in_a_group() -> None:
    metrics = load_trainable("adversarial_training").metrics
    groups = metric_groups(metrics)
    covered = {
        f"{split}/{measure}" + f".{detail}" * bool(detail)
        for group in groups
        for split in group.splits
        for measure in group.measures
        for detail in group.details
    }
    assert set(metrics) <= covered
    assert len(metric_rows(metrics)) == len(groups) < len(metrics) / 15


def test_of_many_details_some_are_named_and_all_are_counted() -> None:
    assert detail_cell([""]) == ""
    assert detail_cell(["", "full"]) == "as a whole, full"
    assert detail_cell([f"attack_{number}" for number in range(9)]) == "attack_0, attack_1, attack_2, attack_3, … (9)"
