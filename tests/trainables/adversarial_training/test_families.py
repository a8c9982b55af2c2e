"""Controlled families in a trial: budgets, tasks on chosen classes, sizes, angular heads, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from trainables import adversarial_training
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.data import splits
from trainables.adversarial_training.model import build
from trainables.adversarial_training.training.optimisation import training_loss
from trainables.attacks.algorithms.stacked import input_gradient
from trainables.contract import InProcessRun, TrainedTrial, resolve
from trainables.datasets import DataError
from trainables.datasets.config import dataset_of

SMALL = {
    "epochs": 1,
    "steps": 2,
    "attack_steps": 2,
    "train_size": 120,
    "test_size": 40,
    "width": 1,
    "epsilon_warmup": 0,
}


def configured(**given: Any) -> Config:
    config = resolve(adversarial_training, {**SMALL, **given}).config
    assert isinstance(config, Config)
    return config


def train_once(config: Config) -> Any:
    *_, last = adversarial_training.train(config, InProcessRun())
    return last


def test_defaults_change_nothing() -> None:
    assert dataset_of(configured()) == "digits"
    plain = Config.model_validate(configured().model_dump(mode="json"))
    before = {name: value for name, value in plain.model_dump(mode="json").items() if name not in NEW}
    assert Config.model_validate(before) == plain, "a stored configuration from before is the same one"


NEW = (
    "separation", "class_count", "class_distance", "smoothing", "saturation", "contrast", "epsilon_scaled_with", "head",
    "angular_margin", "angular_scale",
)  # fmt: skip


@pytest.mark.parametrize("contrast", [0.4, 0.8])
def test_budgets_scaled_with_contrast_keep_their_ratio_to_distances(contrast: float) -> None:
    run = InProcessRun()
    whole, fixed, scaled = (
        configured(),
        configured(contrast=contrast),
        configured(contrast=contrast, epsilon_scaled_with="contrast"),
    )
    measures = [adversarial_training.data_measures(config, run) for config in (whole, fixed, scaled)]
    ratios = [measure["nearest_linf_over_2epsilon"] for measure in measures]
    assert ratios[1] == pytest.approx(contrast * ratios[0], rel=0.02)
    assert ratios[2] == pytest.approx(ratios[0], rel=0.02)
    assert measures[1]["inter_class_variance"] == measures[2]["inter_class_variance"]
    reports = [train_once(config) for config in (whole, fixed, scaled)]
    assert reports[0].metrics["train/epsilon"] == reports[1].metrics["train/epsilon"] == whole.epsilon
    assert reports[2].metrics["train/epsilon"] == pytest.approx(contrast * whole.epsilon)
    tested = [
        adversarial_training.evaluate(config, report.state, run).fingerprints["attacks"]
        for config, report in zip((fixed, scaled), reports[1:], strict=True)
    ]
    assert {attack["epsilon"] for attack in tested[0].values()} == {whole.attack_epsilon}
    assert {attack["epsilon"] for attack in tested[1].values()} == {contrast * whole.attack_epsilon}


def test_the_images_of_every_split_are_transformed() -> None:
    config, run = configured(contrast=0.25), InProcessRun()
    whole = splits(configured(), run.data("digits"), "cpu")
    paler = splits(config, run.data(dataset_of(config)), "cpu")
    for whole_split, paler_split in (
        (whole.train, paler.train),
        (whole.validation, paler.validation),
        (whole.test, paler.test),
    ):
        assert torch.equal(whole_split.labels, paler_split.labels)
        assert float(paler_split.pixels.max() - paler_split.pixels.min()) == pytest.approx(0.25, abs=0.01)
        assert float(whole_split.pixels.max() - whole_split.pixels.min()) == 1


@pytest.mark.parametrize("size", [8, 24])
def test_digits_train_at_other_sizes(size: int) -> None:
    config = configured(image_size=size, perturbation="mp", tasks=["odd_even"])
    last = train_once(config)
    assert last.state["shape"] == [1, size, size]
    assert adversarial_training.load(config, last.state)(torch.zeros(1, 1, size, size))[0].shape == (1, 10)
    assert adversarial_training.evaluate(config, last.state, InProcessRun()).metrics["test/samples"] == 40


def test_tasks_follow_the_chosen_classes() -> None:
    config, run = configured(class_count=4, class_distance="low", tasks=["odd_even"]), InProcessRun()
    data = run.data(dataset_of(config))
    cut = splits(config, data, "cpu")
    assert cut.classes == (4, 2)
    names = [data.classes[label] for label in cut.train.labels[:, 0].tolist()]
    odd = [int(name) % 2 == 1 for name in names]
    assert [label == 0 for label in cut.train.labels[:, 1].tolist()] == odd
    assert adversarial_training.estimate(config)[0] < adversarial_training.estimate(configured(tasks=["odd_even"]))[0]
    assert train_once(config).state["classes"] == [4, 2]


def test_a_task_that_tells_no_chosen_classes_apart_is_refused() -> None:
    first = configured(class_count=2, class_distance="low")
    chosen = InProcessRun().data(dataset_of(first)).classes
    task = {"pair": {**dict.fromkeys(chosen, 1), "default": 0}}
    with pytest.raises(DataError, match=r"task 'pair' gives all chosen classes, .*, one label; choose another task"):
        adversarial_training.check(configured(class_count=2, class_distance="low", tasks=[task]), InProcessRun())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"angular_margin": 0.2}, "an angular_margin needs head: angular"),
        ({"separation": 0.5}, "separation is for drawn images in their own size: dataset: synthetic_shapes"),
        ({"class_count": 11}, "class_count 11 is more than the dataset's 10 classes"),
        (
            {"contrast": 0.5, "dataset": {"known": "digits", "transformation": {"smoothing": 1}}},
            "the dataset has a transformation in addition to contrast; give one of them",
        ),
        (
            {"epsilon_scaled_with": "contrast", "dataset": {"known": "digits", "transformation": {"contrast": 0.5}}},
            "epsilon_scaled_with uses the field contrast only",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Config.model_validate(given)


def test_a_margin_changes_the_main_tasks_training_loss_alone_and_no_attack() -> None:
    plain, wide = (
        configured(head="angular", angular_margin=margin, tasks=["odd_even"], perturbation="mta")
        for margin in (0.0, 0.4)
    )
    draw = torch.Generator().manual_seed(0)
    images = torch.rand(12, 1, 8, 8, generator=draw)
    labels = torch.stack([torch.arange(12) % 10, torch.arange(12) % 2], 1)
    model = build(plain, (1, 8, 8), (10, 2), seed=0)
    logits = model(images)
    losses = [training_loss(config, logits, labels) for config in (plain, wide)]
    assert bool(losses[1] > losses[0])
    gradients = [torch.autograd.grad(loss, model.heads[1].weight, retain_graph=True)[0] for loss in losses]
    assert torch.equal(*gradients), "the auxiliary task has no margin"
    other = build(wide, (1, 8, 8), (10, 2), seed=0)
    steps = [input_gradient(of, images, labels, [[0]]) for of in (model, other)]
    assert torch.equal(*steps), "attacks raise the loss of the plain cosine logits"


def test_an_angular_trial_learns_is_attacked_and_checked() -> None:
    config = configured(
        head="angular", angular_margin=0.2, epochs=8, train_size=None, test_size=100, width=4, steps=7, attack_steps=20
    )
    run = InProcessRun()
    last = train_once(config)
    report = adversarial_training.evaluate(config, last.state, run)
    assert report.metrics["test/clean_accuracy"] > 0.8
    assert 0.2 < report.metrics["test/robust_accuracy.worst_case"] < report.metrics["test/clean_accuracy"]
    model = adversarial_training.load(config, last.state)
    assert float(model(torch.rand(5, 1, 8, 8))[0].detach().abs().max()) <= config.angular_scale
    items = adversarial_training.check_robustness(config, last.state, run, TrainedTrial(report.metrics))
    assert "fail" not in {item.verdict for item in items}
    assert len(items) > 10


def test_the_spread_of_angles_is_that_of_the_reported_perturbations() -> None:
    from trainables.adversarial_training.perturbations.sizes import PerturbationSizes

    draw = torch.Generator().manual_seed(0)
    sizes, images, etas = PerturbationSizes(), [], []
    for n in (7, 5):
        images.append(torch.rand(n, 1, 4, 4, generator=draw))
        etas.append(torch.randn(2, n, 1, 4, 4, generator=draw))
        sizes.add(images[-1], etas[-1][0], etas[-1][1])
    pixels, eta = torch.cat(images).double().flatten(1), torch.cat(etas, 1).double().flatten(2)
    angles = [torch.rad2deg(torch.acos(torch.cosine_similarity(pixels, etas_of, dim=1))) for etas_of in eta]
    expected = float(angles[0].std(correction=0) - angles[1].std(correction=0))
    assert sizes.metrics(lambda value: value / 3, 0.1)["train/angle_spread"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("perturbation", "spreads"), [("sta", False), ("mp", True)])
def test_trials_report_the_spread_of_angles_exactly_again(perturbation: str, spreads: bool) -> None:
    config = configured(perturbation=perturbation, tasks=["odd_even"])
    spread = train_once(config).metrics["train/angle_spread"]
    assert (spread != 0) == spreads
    assert train_once(config).metrics["train/angle_spread"] == spread
    assert adversarial_training.METRICS["train/angle_spread"].reproducible
