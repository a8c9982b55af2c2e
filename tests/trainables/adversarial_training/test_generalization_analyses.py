"""Analyses of generalization: gaps by hand, other images only where they are needed, and what is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from trainables import adversarial_training
from trainables.adversarial_training.analyses import corruptions, generalization_gap, training_cost
from trainables.adversarial_training.analysis_table import ANALYSES
from trainables.adversarial_training.data import splits
from trainables.adversarial_training.evaluation.analysed_batches import AnalysedModel
from trainables.adversarial_training.evaluation.corrupted_images import CorruptedImages
from trainables.contract import InProcessRun, Report, resolve
from trainables.datasets import DataError, Dataset
from trainables.datasets.corruptions.constants import CORRUPTIONS
from trainables.datasets.dataset import Split

SMALL = {"epochs": 2, "steps": 1, "width": 2, "attack_steps": 4, "test_size": 60, "epsilon_warmup": 0}
ALL = ["calibration", "corruptions", "generalization_gap", "unseen_attacks", "training_cost"]


def config(**given: Any) -> Any:
    return resolve(adversarial_training, {**SMALL, **given}).config


@pytest.fixture(scope="module")
def state() -> Any:
    *_, last = adversarial_training.train(config(image_size=16), InProcessRun())
    return last.state


@pytest.fixture(scope="module")
def tested(state: Any) -> Report:
    return adversarial_training.evaluate(config(image_size=16, analyses=ALL), state, InProcessRun())


def test_gaps_by_hand() -> None:
    def arrays(training: list[int], standing: list[int], test: list[int], test_standing: list[int]) -> dict[str, Any]:
        names = ("training_right", "training_standing", "test_right", "test_standing")
        each = (training, standing, test, test_standing)
        return {name: torch.tensor(values).bool() for name, values in zip(names, each, strict=True)}

    found = generalization_gap.summarise(None, arrays([1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 1, 0])).metrics
    assert found == {
        "training_accuracy.clean": 0.75,
        "training_accuracy.robust": 0.5,
        "generalization_gap.clean": 0.25,
        "generalization_gap.robust": 0.25,
    }


def test_all_metrics_are_declared_and_agree(tested: Report) -> None:
    metrics = tested.metrics
    declared = set(adversarial_training.METRICS)
    assert set(metrics) <= declared
    kinds = [metrics[f"test/corruption_accuracy.{name}"] for name in CORRUPTIONS]
    severities = [metrics[f"test/severity_accuracy.{number}"] for number in range(1, 6)]
    assert metrics["test/corruption_accuracy.mean"] == pytest.approx(sum(kinds) / 15)
    assert metrics["test/corruption_accuracy.mean"] == pytest.approx(sum(severities) / 5)
    gap = metrics["test/training_accuracy.clean"] - metrics["test/clean_accuracy"]
    assert metrics["test/generalization_gap.clean"] == pytest.approx(gap)
    alone = [metrics[f"test/unseen_accuracy.{name}"] for name in ("l2", "spatial", "epsilon_1_5", "epsilon_2")]
    assert metrics["test/unseen_accuracy.union"] <= min(alone)
    assert metrics["test/unseen_accuracy.epsilon_2"] <= metrics["test/unseen_accuracy.epsilon_1_5"]
    assert metrics["test/unseen_accuracy.epsilon_1_5"] <= metrics["test/robust_accuracy.worst_case"]


def test_corruptions_are_those_of_the_tested_images(tested: Report, state: Any) -> None:
    from trainables.datasets.corruptions.corrupted import corrupt

    settings, run = config(image_size=16), InProcessRun()
    samples = splits(settings, run.data({"known": "digits", "size": 16}), run.device).test
    model = adversarial_training.load(settings, state)
    images = corrupt(samples.images, "contrast", 5).float() / 255
    with torch.no_grad():
        right = [
            (model(corrupt(samples.images, "contrast", s).float() / 255)[0].argmax(1) == samples.labels[:, 0]).double()
            for s in range(1, 6)
        ]
    assert images.shape == samples.pixels.shape
    assert tested.metrics["test/corruption_accuracy.contrast"] == pytest.approx(float(torch.stack(right).mean()))


def test_corrupted_images_are_made_once_for_all_trials_of_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainables.adversarial_training.evaluation import corrupted_images

    made = []
    monkeypatch.setattr(corrupted_images, "corrupt", lambda images, name, severity: (made.append(name), images)[1])
    run, images = InProcessRun(), torch.zeros(3, 1, 16, 16, dtype=torch.uint8)
    for _ in range(2):
        shown = list(CorruptedImages(images, run).of(slice(0, 2)))
        assert len(shown) == 75
        assert shown[0][2].shape == (2, 1, 16, 16)
    assert len(made) == 75


def test_nothing_is_made_for_analyses_that_need_nothing(state: Any) -> None:
    settings, run = config(image_size=16), InProcessRun()
    parts = splits(settings, run.data({"known": "digits", "size": 16}), run.device)
    model = adversarial_training.load(settings, state)
    survived = torch.ones(len(parts.test), dtype=torch.bool)
    [batch, *_] = AnalysedModel(settings, model, parts.test, survived).parts(frozenset())
    for need in ("training", "shifted", "corrupted"):
        with pytest.raises(LookupError, match="declares needs="):
            getattr(batch, need)
    assert ANALYSES.needs(config(analyses=["calibration", "unseen_attacks", "training_cost"])) == frozenset()
    assert ANALYSES.cost(config(analyses=["calibration", "training_cost"]), 1000) == {}


def test_as_many_training_images_as_are_tested_and_always_the_same(state: Any) -> None:
    settings, run = config(image_size=16), InProcessRun()
    parts = splits(settings, run.data({"known": "digits", "size": 16}), run.device)
    model = adversarial_training.load(settings, state)
    survived = torch.ones(len(parts.test), dtype=torch.bool)
    few = AnalysedModel(settings, model, parts.test, survived, other={"training_images": parts.train})
    [batch] = few.parts({"training_images"})
    assert torch.equal(batch.training.images, parts.train.pixels[: len(batch.images)])
    assert len(batch.training.right) == len(batch.right) == 60


def test_a_shift_of_domain_needs_another_dataset_of_the_same_classes() -> None:
    with pytest.raises(ValueError, match="domain_shift need a dataset to shift to"):
        config(analyses=["domain_shift"])
    with pytest.raises(ValueError, match="its classes differ; block_digits, mnist and svhn have the same"):
        config(analyses=["domain_shift"], shift_dataset="cifar10")
    assert config(analyses=["domain_shift"], shift_dataset="mnist").shift_dataset == "mnist"


def dataset(name: str, classes: tuple[str, ...], shape: tuple[int, int, int], count: int = 12) -> Dataset:
    images = torch.randint(256, (count, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    split = Split(images, torch.arange(count) % len(classes))
    return Dataset(name, classes, split, split)


class TwoSets(InProcessRun):
    """A run that has a grey dataset and one in colour."""

    other_classes = ("0", "1", "2")

    def data(self, name: Any) -> Any:
        known = getattr(name, "known", name)
        if known == "digits":
            return dataset("digits", ("0", "1", "2"), (1, 16, 16))
        return dataset("svhn", self.other_classes, (3, 16, 16))


def test_another_datasets_images_come_in_the_networks_channels_and_its_classes_are_checked() -> None:
    from trainables.adversarial_training.evaluation.shifted_samples import shifted_samples

    settings = config(analyses=["domain_shift"], shift_dataset="svhn", test_size=None)
    shifted = shifted_samples(settings, TwoSets())
    assert shifted.pixels.shape == (12, 1, 16, 16)
    other = TwoSets()
    other.other_classes = ("a", "b", "c")
    with pytest.raises(DataError, match="svhn has other classes than digits: a, b, c, not 0, 1, 2"):
        shifted_samples(settings, other)


def test_images_too_small_to_corrupt_are_refused_before_anything_starts() -> None:
    with pytest.raises(ValueError, match="corruptions need images of at least 16 pixels a side, not 8"):
        config(analyses=["corruptions"])
    assert config(analyses=["corruptions"], image_size=16).image_size == 16
    assert config(analyses=["corruptions"], dataset="mnist").image_size is None


def test_passes_are_counted() -> None:
    def passes(**given: Any) -> float:
        return training_cost.summarise(config(**given), {}).metrics["training_passes"]

    assert passes(perturbation="none") == pytest.approx(1)
    assert passes(perturbation="sta", steps=7) == pytest.approx(8)
    assert passes(perturbation="mp", tasks=["odd_even"], steps=7) == pytest.approx(15)


def test_folds_hold_out_what_they_say() -> None:
    run = InProcessRun()
    parts = [splits(config(folds=4, fold=fold, train_size=200), run.data("digits"), run.device) for fold in range(4)]
    held = torch.cat([one.validation.chosen for one in parts])
    assert len(held) == 200 == len(set(held.tolist()))
    for one in parts:
        assert len(one.train) == 150
        assert not set(one.train.chosen.tolist()) & set(one.validation.chosen.tolist())
        assert torch.equal(one.test.chosen, parts[0].test.chosen)
    with pytest.raises(ValueError, match="fold 4 of 4 does not exist"):
        config(folds=4, fold=4)
    with pytest.raises(ValueError, match="fold 1 of none does not exist; give folds: 2"):
        config(fold=1)


def test_a_corrupted_image_is_right_by_the_main_task_and_severities_count_from_1() -> None:
    labels = torch.tensor([[0, 1], [1, 0]])
    shown = [("fog", severity, torch.full((2, 1, 1, 1), float(severity))) for severity in range(1, 6)]
    batch = SimpleNamespace(
        labels=labels, images=torch.zeros(2, 1, 1, 1), corrupted=shown,
        model=lambda images: (torch.eye(2)[(images.flatten() > 2).long() * torch.tensor([0, 1])],),
    )  # fmt: skip
    found = corruptions.measure(batch)  # type: ignore[arg-type]
    assert found.arrays["fog"].tolist() == [[True] * 5, [False, False, True, True, True]]
    metrics = corruptions.summarise(None, found.arrays).metrics
    assert metrics == {
        "corruption_accuracy.fog": 0.8, "corruption_accuracy.mean": 0.8,
        **{f"severity_accuracy.{number}": accuracy for number, accuracy in enumerate((0.5, 0.5, 1, 1, 1), start=1)},
    }  # fmt: skip


def test_corrupted_images_are_those_of_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainables.adversarial_training.evaluation import corrupted_images

    monkeypatch.setattr(corrupted_images, "corrupt", lambda images, name, severity: images)
    images = torch.arange(6, dtype=torch.uint8).reshape(6, 1, 1, 1)
    for name, severity, pixels in CorruptedImages(images, InProcessRun()).of(slice(2, 4)):
        assert (255 * pixels).round().flatten().tolist() == [2, 3], (name, severity)
