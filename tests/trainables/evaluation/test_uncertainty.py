"""Scores and uncertainty against scikit-learn, scipy and hand-computed values."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.metrics import log_loss, precision_recall_fscore_support, roc_auc_score
from torch import Tensor

from trainables.evaluation.bootstrap import bootstrap_interval
from trainables.evaluation.classification import classification_scores, fake_probability, predicted_class
from trainables.evaluation.uncertainty import (
    calibration_error,
    error_auroc,
    negative_log_likelihood,
    pearson,
    risk_coverage,
)


def logits(n: int, columns: int, seed: int = 0) -> Tensor:
    return 2 * torch.randn(n, columns, generator=torch.Generator().manual_seed(seed))


def labels(n: int, seed: int = 5) -> Tensor:
    return torch.randint(2, (n,), generator=torch.Generator().manual_seed(seed))


def test_classification_scores_equal_scikit_learns() -> None:
    predicted, truth = labels(40, 1), labels(40, 2)
    found = classification_scores(predicted, truth)
    precision, recall, f1, _ = precision_recall_fscore_support(truth, predicted, average="binary", pos_label=1)
    assert (found.precision, found.recall, found.f1) == (
        pytest.approx(precision),
        pytest.approx(recall),
        pytest.approx(f1),
    )
    assert found.accuracy == pytest.approx((predicted == truth).double().mean().item())
    assert (found.n, found.positives) == (40, int(truth.sum()))
    assert precision != recall, "else they could be swapped unseen"


def test_scores_without_a_defining_sample_are_zero() -> None:
    found = classification_scores(torch.zeros(4), torch.tensor([0, 0, 1, 1]))
    assert (found.f1, found.precision, found.recall, found.accuracy) == (0, 0, 0, 0.5)
    with pytest.raises(ValueError, match="no samples"):
        classification_scores(torch.zeros(0), torch.zeros(0))
    with pytest.raises(ValueError, match=r"\(4,\) and labels \(3,\)"):
        classification_scores(torch.zeros(4), torch.zeros(3))


def test_a_verdict_is_between_the_two_classes_however_fake_the_image_looks() -> None:
    values = torch.tensor([[0.0, 1.0, 9.0], [2.0, 1.0, -9.0]])
    assert predicted_class(values).tolist() == [1, 0]
    assert fake_probability(values)[0].item() == pytest.approx(math.exp(9) / (1 + math.exp(1) + math.exp(9)))
    with pytest.raises(ValueError, match="two logits have no p_fake"):
        fake_probability(values[:, :2])
    with pytest.raises(ValueError, match=r"\(2, 4\)"):
        predicted_class(torch.zeros(2, 4))


def test_the_loss_is_equation_8_of_the_two_classes() -> None:
    values, truth = logits(30, 3), labels(30)
    p1 = torch.softmax(values[:, :2].double(), 1)[:, 1].numpy()
    found = negative_log_likelihood(values, truth)
    assert found.mean().item() == pytest.approx(log_loss(truth, p1))
    shifted = values.clone()
    shifted[:, 2] += 5
    torch.testing.assert_close(negative_log_likelihood(shifted, truth), found, msg="p_fake must not enter")


def test_as_printed_the_loss_takes_p1_of_all_logits() -> None:
    values, truth = logits(30, 3), labels(30)
    p1 = torch.softmax(values.double(), 1)[:, 1]
    expected = -torch.where(truth == 1, p1.log(), (1 - p1).log())
    torch.testing.assert_close(negative_log_likelihood(values, truth, as_printed=True), expected)
    two = values[:, :2]
    torch.testing.assert_close(
        negative_log_likelihood(two, truth, as_printed=True), negative_log_likelihood(two, truth)
    )


def test_a_certain_error_costs_its_logit_and_no_infinity() -> None:
    sure = torch.tensor([[1000.0, 0.0, 0.0]])
    assert negative_log_likelihood(sure, torch.tensor([1])).item() == pytest.approx(1000)
    assert negative_log_likelihood(sure, torch.tensor([1]), as_printed=True).item() == pytest.approx(1000)


def test_pearson_equals_scipys() -> None:
    x, y = logits(25, 2).unbind(1)
    assert pearson(x, y) == pytest.approx(scipy.stats.pearsonr(x.double(), y.double()).statistic)
    assert pearson(x, 3 - 2 * x) == pytest.approx(-1)
    assert math.isnan(pearson(x, torch.full((25,), 0.1)))
    with pytest.raises(ValueError, match="25 losses and 24"):
        pearson(x, y[:24])


@pytest.mark.parametrize("decimals", [0, 6])
def test_auroc_equals_scikit_learns_also_with_ties(decimals: int) -> None:
    values, wrong = logits(60, 1)[:, 0].round(decimals=decimals), labels(60)
    assert error_auroc(values, wrong) == pytest.approx(roc_auc_score(wrong, values))
    assert error_auroc(1000 * values, wrong) == error_auroc(values, wrong), "any scale of uncertainty will do"


def test_auroc_needs_errors_and_right_answers() -> None:
    assert math.isnan(error_auroc(torch.rand(4), torch.zeros(4)))
    assert math.isnan(error_auroc(torch.rand(4), torch.ones(4)))


def test_risk_over_coverage_by_hand() -> None:
    found = risk_coverage(torch.tensor([0.1, 0.9, 0.2, 0.8]), torch.tensor([0, 1, 1, 0]))
    assert found.coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert found.risk.tolist() == pytest.approx([0, 1 / 2, 1 / 3, 2 / 4])
    assert found.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert found.best_area == pytest.approx((0 + 0 + 1 / 3 + 2 / 4) / 4)
    assert found.error_rate == 0.5


def test_among_ties_the_order_of_the_data_does_not_matter() -> None:
    wrong = torch.tensor([1, 0, 0, 1, 0, 0])
    uncertainty = torch.tensor([0.5, 0.5, 0.5, 0.5, 0.1, 0.9])
    found = risk_coverage(uncertainty, wrong)
    assert found.risk.tolist() == pytest.approx([0, 0.5 / 2, 1 / 3, 1.5 / 4, 2 / 5, 2 / 6])
    order = torch.tensor([5, 2, 4, 1, 3, 0])
    torch.testing.assert_close(risk_coverage(uncertainty[order], wrong[order]).risk, found.risk)
    assert risk_coverage(torch.zeros(6), wrong).area == pytest.approx(2 / 6), "no information: the error rate"


def test_calibration_error_by_hand() -> None:
    # confidence .9 in class 1 three times, twice right; .7 in class 0 once, right; p_fake has no part in it
    p1 = torch.tensor([0.9, 0.9, 0.9, 0.3], dtype=torch.float64)
    values = torch.stack([(1 - p1).log(), p1.log(), torch.tensor([9.0, 0, 0, 0])], 1)
    found = calibration_error(values, torch.tensor([1, 1, 0, 0]))
    assert found == pytest.approx(3 / 4 * abs(0.9 - 2 / 3) + 1 / 4 * abs(0.7 - 1), abs=1e-6)


def test_the_interval_of_a_mean_is_scipys() -> None:
    values = logits(80, 1)[:, 0].double()
    found = bootstrap_interval(lambda drawn: float(values[drawn].mean()), 80, resamples=2000, seed=1)
    reference = scipy.stats.bootstrap(
        (values.numpy(),), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    error = values.std().item() / math.sqrt(80)
    assert found.low == pytest.approx(reference.low, abs=0.15 * error)
    assert found.high == pytest.approx(reference.high, abs=0.15 * error)
    assert found.used == 2000
    again = bootstrap_interval(lambda drawn: float(values[drawn].mean()), 80, resamples=2000, seed=1)
    assert again == found
    assert bootstrap_interval(lambda drawn: float(values[drawn].mean()), 80, resamples=2000, seed=2) != found


def test_images_of_one_source_are_drawn_together_and_widen_the_interval() -> None:
    source = torch.arange(10).repeat_interleave(20)[torch.randperm(200, generator=torch.Generator().manual_seed(0))]
    values = logits(10, 1)[:, 0].double()[source]  # twenty copies of ten values
    mean = lambda drawn: float(values[drawn].mean())  # noqa: E731

    def whole(drawn: Tensor) -> float:
        counts = torch.bincount(drawn, minlength=200)
        assert all(len(set(counts[source == each].tolist())) == 1 for each in range(10))
        return mean(drawn)

    alone, together = bootstrap_interval(mean, 200), bootstrap_interval(whole, 200, groups=source, resamples=300)
    assert (together.high - together.low) > 3 * (alone.high - alone.low)


def test_resamples_without_a_value_are_left_out_and_counted() -> None:
    wrong = torch.zeros(30)
    wrong[:2] = 1
    uncertainty = torch.rand(30, generator=torch.Generator().manual_seed(0))
    found = bootstrap_interval(lambda drawn: error_auroc(uncertainty[drawn], wrong[drawn]), 30)
    assert 800 < found.used < 930  # (28/30)^30 = 12.6 % have no error
    assert 0 <= found.low < found.high <= 1
    never = bootstrap_interval(lambda _: math.nan, 5)
    assert math.isnan(never.low)
    assert never.used == 0
    with pytest.raises(ValueError, match="0 images"):
        bootstrap_interval(lambda _: 1.0, 0)
