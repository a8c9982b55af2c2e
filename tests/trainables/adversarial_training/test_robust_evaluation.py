"""Evaluation: per-sample worst case, the same noise for every network, intervals and pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from trainables import adversarial_training
from trainables.adversarial_training.attacks.attacking import BATCH, Attacked
from trainables.adversarial_training.data import splits
from trainables.adversarial_training.evaluation.evaluation import Measured, measure
from trainables.adversarial_training.evaluation.gallery import gallery
from trainables.adversarial_training.model import build
from trainables.contract import InProcessRun, Report, resolve
from trainables.datasets import Dataset
from trainables.datasets.config import dataset_of

SMALL = {
    "attacks": "pgd", "epochs": 3, "steps": 1, "attack_steps": 3,
    "train_size": 300, "test_size": 60, "width": 1, "lr": 1e-2,
}  # fmt: skip


def config(**given: Any) -> Any:
    return resolve(adversarial_training, {**SMALL, **given}).config


@pytest.fixture(scope="module")
def tested() -> Report:
    settings, run = config(tasks=["odd_even"]), InProcessRun()
    *_, last = adversarial_training.train(settings, run)
    return adversarial_training.evaluate(settings, last.state, run)


def test_every_epoch_says_how_many_samples_chose_it() -> None:
    settings, run = config(tasks=["odd_even"], epochs=1, test_size=50), InProcessRun()
    [epoch] = adversarial_training.train(settings, run)
    held_out = splits(settings, run.data(dataset_of(settings)), run.device).validation
    assert epoch.metrics["validation/samples"] == len(held_out) != 50


def test_the_metrics_are_those_of_the_stored_predictions(tested: Report) -> None:
    labels, clean, pgd = (tested.arrays[name] for name in ("labels", "predictions.clean", "predictions.pgd"))
    assert labels.shape == clean.shape == pgd.shape == (60,)
    assert tested.metrics["test/clean_accuracy"] == pytest.approx(np.mean(clean == labels))
    assert tested.metrics["test/robust_accuracy.pgd"] == pytest.approx(np.mean(pgd == labels))
    worst = np.mean((clean == labels) & (pgd == labels))
    assert tested.metrics["test/robust_accuracy.worst_case"] == pytest.approx(worst)
    assert tested.metrics["test/samples"] == 60
    low, high = (tested.metrics[f"test/robust_accuracy.worst_case_{end}"] for end in ("low", "high"))
    assert low < worst < high
    assert set(tested.metrics) <= set(adversarial_training.METRICS)


def attacked(name: str, *predictions: int, **more: Any) -> tuple[str, Attacked]:
    return name, Attacked(torch.tensor(predictions), name.rpartition(".")[2], {"attack": name}, **more)


def test_the_worst_case_counts_a_sample_once_any_attack_succeeds() -> None:
    measured = Measured(
        labels=torch.tensor([1, 1, 1, 1]),
        clean=torch.tensor([1, 1, 0, 1]),
        within=dict([attacked("pgd", 1, 0, 1, 1), attacked("other", 1, 2, 1, 2)]),
    )
    assert measured.metrics("test") == {
        "test/clean_accuracy": 0.75,
        "test/robust_accuracy.pgd": 0.75,
        "test/robust_accuracy.other": 0.5,
        "test/robust_accuracy.worst_case": 0.25,
        "test/balanced_accuracy": 0.5,
        "test/robust_above_clean": 0.0,
        "test/failures_found.pgd": 0.5,
        "test/failures_found.other": 0.5,
    }
    assert measured.worst.tolist() == [1, 0, 0, 2]
    assert measured.found_by.tolist() == [-1, 1, 0, 2], "the first that fooled, and 0 for what is wrong when clean"
    assert measured.found_by.dtype == torch.int16
    assert measured.facts() == {"pgd": {"attack": "pgd", "order": 1}, "other": {"attack": "other", "order": 2}}


def test_a_member_of_a_set_has_no_accuracy_but_its_share_of_the_failures() -> None:
    measured = Measured(
        labels=torch.tensor([1, 1, 1, 1, 1]),
        clean=torch.tensor([1, 1, 0, 1, 1]),
        within=dict(
            [
                attacked("quick.apgd_t", 1, 0, 1, 1, 1, alone=False),
                attacked("standard.square", 1, 1, 1, 3, 1, alone=False),
                attacked("standard.apgd_t", 1, 1, 1, 1, 2, alone=False),
            ]
        ),
    )
    metrics = measured.metrics("test")
    assert metrics["test/robust_accuracy.worst_case"] == pytest.approx(0.2)
    assert not [name for name in metrics if "robust_accuracy" in name and "worst_case" not in name]
    assert metrics["test/failures_found.apgd_t"] == pytest.approx(2 / 3), "both runs of it together"
    assert metrics["test/failures_found.square"] == pytest.approx(1 / 3)
    assert set(measured.arrays()) == {"labels", "predictions.clean", "predictions.worst_case", "found_by"}


def test_an_attack_that_helps_is_flagged() -> None:
    measured = Measured(
        labels=torch.tensor([1, 1, 1, 1]),
        clean=torch.tensor([1, 0, 0, 1]),
        within=dict(
            [attacked("pgd", 1, 0, 0, 0), attacked("pgd_targeted", 1, 1, 1, 0, reached=torch.tensor([0, 0, 0, 1]))]
        ),
    )
    assert measured.metrics("test")["test/robust_above_clean"] == 0.25
    assert measured.metrics("test")["test/target_rate.pgd_targeted"] == 0.25


def test_an_attack_without_bound_has_no_part_in_the_worst_case() -> None:
    norms = torch.tensor([0.3, 0.0, torch.inf, 1.5])
    measured = Measured(
        labels=torch.tensor([1, 1, 1, 1]),
        clean=torch.tensor([1, 0, 1, 1]),
        within=dict([attacked("pgd", 1, 0, 1, 0)]),
        beyond=dict([attacked("cw_l2", 0, 0, 1, 1, norms=norms)]),
    )
    metrics = measured.metrics("test")
    assert metrics["test/robust_accuracy.worst_case"] == 0.5
    assert metrics["test/robust_accuracy.cw_l2"] == 0.5
    assert metrics["test/cw_l2_median_norm"] == pytest.approx(0.3), "of 0.3 and 1.5; torch takes the lower of two"
    assert measured.arrays()["predictions.worst_case"].tolist() == [1, 0, 1, 0]
    assert torch.equal(measured.arrays()["l2_norms.cw_l2"], norms)


def test_more_restarts_never_help_the_defender(digits: Dataset) -> None:
    once, often = config(attack_epsilon=0.1), config(attack_epsilon=0.1, attack_restarts=4)
    samples = splits(once, digits, "cpu").test
    model = build(once, (1, 8, 8), (10,), seed=0)
    few, many = (measure(c, model, samples) for c in (once, often))
    fooled = few.within["pgd"].predictions != few.labels
    assert (many.within["pgd"].predictions != many.labels)[fooled].all()


def test_the_attack_is_the_same_for_every_batch_boundary_and_call(digits: Dataset) -> None:
    settings = config(train_size=None, validation_fraction=0.5)
    samples = splits(settings, digits, "cpu").validation
    assert len(samples) > BATCH, "two batches are wanted here"
    model = build(settings, (1, 8, 8), (10,), seed=0)
    one, other = (measure(settings, model, samples) for _ in range(2))
    assert torch.equal(one.within["pgd"].predictions, other.within["pgd"].predictions)
    assert len(one.within["pgd"].predictions) == len(samples)
    assert model.training, "measuring must leave the mode alone"


def test_without_a_budget_an_attack_changes_nothing(digits: Dataset) -> None:
    settings = config(attack_epsilon=0)
    samples = splits(settings, digits, "cpu").test
    measured = measure(settings, build(settings, (1, 8, 8), (10,), seed=0), samples)
    assert torch.equal(measured.clean, measured.within["pgd"].predictions)


def test_the_gallery_shows_every_sample_in_three_rows(tested: Report) -> None:
    picture, tasks = tested.images.values()
    assert list(tested.images) == [
        "image, perturbation by pgd, adversarial image",
        "image, perturbations of the main task, odd_even, their mean (MP), image under it",
    ]
    assert picture.dtype == np.uint8
    assert picture.shape == (3 * 60, 8 * 60)  # 8 samples of 8 pixels, each enlarged 7 times, in frames of 2
    assert tasks.shape == (5 * 60, 8 * 60)
    rows = tasks.astype(float).reshape(5, 60, 8, 60)[:, 2:-2, :, 2:-2]
    np.testing.assert_allclose(rows[1:3].mean(0), rows[3], atol=1)
    assert np.array_equal(rows[0], picture.reshape(3, 60, 8, 60)[0, 2:-2, :, 2:-2])
    assert not np.array_equal(rows[0], rows[4])


def test_perturbations_are_stretched_from_black_to_white() -> None:
    clean = torch.full((1, 1, 60, 60), 0.5)
    eta = torch.linspace(-0.1, 0.1, 60).expand(1, 1, 60, 60)
    row = gallery(clean, [eta, -eta], clean + eta, epsilon=0.1).reshape(4, 64, 64)[:, 30, 2:-2]
    assert row[1, [0, 59]].tolist() == [0, 255]
    assert row[2, [0, 59]].tolist() == [255, 0]
    assert row[3, [0, 59]].tolist() == [102, 153]


def test_a_gallery_of_colour_and_without_budget() -> None:
    clean = torch.zeros(2, 3, 60, 60)
    clean[0] = 1
    picture = gallery(clean, [clean - clean], clean, epsilon=0.0)
    assert picture.shape == (192, 128, 3), "images side by side, their versions below each other"
    assert picture[10, 10].tolist() == [255, 255, 255]
    assert picture[74, 10].tolist() == [128, 128, 128]
    assert picture[10, 74].tolist() == [0, 0, 0]


def test_images_are_tested_at_the_size_that_they_were_trained_at() -> None:
    resized, run = config(dataset="digits", image_size=12, epochs=1), InProcessRun()
    [report] = adversarial_training.train(resized, run)
    assert report.state is not None
    assert report.state["shape"] == [1, 12, 12]
    assert adversarial_training.evaluate(resized, report.state, run).metrics["test/samples"] == 60
