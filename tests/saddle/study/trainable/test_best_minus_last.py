"""What a metric is that says by how much the chosen checkpoint is better than the last one."""

from __future__ import annotations

import pytest

from saddle.study.trainable.best_minus_last import best_minus_last
from trainables.contract import Metric, complete_metric

DECLARED = {
    name: complete_metric(name, one)
    for name, one in {
        "test/robust_accuracy.worst_case": Metric("maximize", unit="fraction"),
        "test/nll": Metric("minimize"),
        "test/overfitting_gap": Metric("minimize", best_minus_last="test/robust_accuracy.worst_case"),
        "test/nll_gap": Metric("minimize", best_minus_last="test/nll"),
    }.items()
}


def test_it_is_positive_where_the_chosen_one_is_better() -> None:
    best = {"test/robust_accuracy.worst_case": 0.50, "test/nll": 1.0}
    last = {"test/robust_accuracy.worst_case": 0.42, "test/nll": 1.5}
    gaps = best_minus_last(DECLARED, best, last)
    assert gaps == {"test/overfitting_gap": pytest.approx(0.08), "test/nll_gap": pytest.approx(0.5)}


def test_one_checkpoint_alone_has_none_and_the_same_has_zero() -> None:
    only = {"test/robust_accuracy.worst_case": 0.5}
    assert best_minus_last(DECLARED, only, {}) == {}
    assert best_minus_last(DECLARED, only, only) == {"test/overfitting_gap": 0.0}
