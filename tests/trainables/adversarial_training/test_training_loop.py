"""Training: it learns, it warms up, it leaves the global generator alone, it says when it diverges."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import torch
from pydantic import ValidationError
from torch.nn.functional import cross_entropy

from trainables import adversarial_training
from trainables.adversarial_training.data import Splits, splits, task_labels
from trainables.adversarial_training.model import build, load
from trainables.adversarial_training.settings.perturbation import Perturbation
from trainables.adversarial_training.training.epsilon import epsilon_at, full_epsilon
from trainables.adversarial_training.training.labels import with_random_labels
from trainables.adversarial_training.training.loop import make_loader
from trainables.adversarial_training.training.optimisation import lr_factor, training_loss
from trainables.contract import Diverged, InProcessRun, resolve
from trainables.datasets import DataError, Dataset, Split
from trainables.datasets.auxiliary_tasks.tasks import resolve_task
from trainables.randomness import EpochOrder, stream_seed

TASKS = ["odd_even", "prime_composite"]
SMALL = {"epochs": 2, "steps": 2, "attack_steps": 2, "train_size": 200, "test_size": 50, "width": 1}


def config(**given: Any) -> Any:
    return resolve(adversarial_training, given).config


def cut(dataset: Dataset, **given: Any) -> Splits:
    return splits(config(**given), dataset, "cpu")


def test_the_quick_trial_on_digits_really_learns() -> None:
    settings, run = config(perturbation="mta", tasks=TASKS), InProcessRun(seed=0)
    *_, last = adversarial_training.train(settings, run)
    tested = adversarial_training.evaluate(settings, last.state, run).metrics
    assert tested["test/clean_accuracy"] > 0.9
    assert tested["test/robust_accuracy.worst_case"] > 0.3
    assert tested["test/auxiliary_accuracy"] > 0.85
    assert last.metrics["train/adversarial_accuracy"] > 0.3


def test_the_first_epoch_is_reported_before_the_second_is_trained() -> None:
    reports = adversarial_training.train(config(**SMALL, batch_size=100), InProcessRun())
    assert next(iter(reports)).state["epoch"] == 1


def heads_gradients(weight: float, reduction: str) -> tuple[torch.Tensor, list[float]]:
    """The loss of a batch with two auxiliary tasks, and the size of each head's gradient."""
    draw = torch.Generator().manual_seed(1)
    images, labels = torch.rand(20, 1, 8, 8, generator=draw), torch.randint(2, (20, 3), generator=draw)
    settings = config(perturbation="mta", tasks=TASKS, auxiliary_weight=weight, task_reduction=reduction)
    model = build(settings, (1, 8, 8), (10, 2, 2), seed=0)
    loss = training_loss(settings, model(images), labels)
    loss.backward()
    return loss.detach(), [float(head.weight.grad.abs().sum()) for head in model.heads]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_without_weight_the_auxiliary_heads_have_no_gradient_and_the_main_head_keeps_its_own(reduction: str) -> None:
    (_, whole), (_, half), (alone, none) = (heads_gradients(weight, reduction) for weight in (1.0, 0.5, 0.0))
    assert none[1:] == [0.0, 0.0]
    assert none[0] > 0
    assert min(whole) > 0
    # of the mean, the main head has 1, 1/2 and 1/3 as λ goes from 0 to 1; of the sum, all of it
    shares = (1, 1 / 2, 1 / 3) if reduction == "mean" else (1, 1, 1)
    assert (none[0], half[0], whole[0]) == pytest.approx([none[0] * share for share in shares])
    assert half[1:] == pytest.approx([gradient * (3 / 4 if reduction == "mean" else 1 / 2) for gradient in whole[1:]])
    draw = torch.Generator().manual_seed(1)
    images, labels = torch.rand(20, 1, 8, 8, generator=draw), torch.randint(2, (20, 3), generator=draw)
    logits = build(config(perturbation="mta", tasks=TASKS), (1, 8, 8), (10, 2, 2), seed=0)(images)
    assert torch.equal(alone, cross_entropy(logits[0], labels[:, 0]).detach())
    total = sum(float(cross_entropy(head, labels[:, m]).detach()) for m, head in enumerate(logits))
    loss, _ = heads_gradients(1.0, reduction)
    assert float(loss) == pytest.approx(total / 3 if reduction == "mean" else total)


def test_only_training_knows_the_weight_of_the_auxiliary_losses() -> None:
    """The first batch's perturbation is the same; from its step on the weights go other ways."""
    small = {**SMALL, "perturbation": "mta", "tasks": TASKS, "epochs": 1}
    losses = {}
    for weight in (0.0, 1.0):
        settings = config(**small, batch_size=200, auxiliary_weight=weight, task_reduction="sum")
        [report] = adversarial_training.train(settings, InProcessRun(seed=3))
        losses[weight] = report.metrics
    assert losses[0.0]["train/adversarial_accuracy"] == losses[1.0]["train/adversarial_accuracy"]
    assert losses[0.0]["train/loss"] < losses[1.0]["train/loss"]


def test_epsilon_grows_linearly_and_stays() -> None:
    settings = config(epsilon=0.3, epsilon_warmup=3, epochs=10)
    assert [round(epsilon_at(settings, 0.3, p), 3) for p in (0.03, 1.5, 3, 7)] == [0.003, 0.15, 0.3, 0.3]
    assert epsilon_at(config(epsilon=0.3, epsilon_warmup=0), 0.3, 0.01) == 0.3


RESUMED: list[dict[str, Any]] = [
    *({"perturbation": kind} for kind in get_args(Perturbation)),
    {"perturbation": "mp", "alpha_draw": "sample", "task_starts": "shared", "augmentation": "crop_flip"},
    {"perturbation": "sta", "epsilon_share": 0.3, "epsilon_warmup": 2},
    {"perturbation": "sta", "augmentation": "crop", "weight_average": 0.9, "optimizer": "sgd", "momentum": 0.9},
    {"perturbation": "sta", "validate_every": 5},
    {"perturbation": "mp", "rung": "bfloat16"},
    {"objective": "trades", "augmix": True},
    {"awp_gamma": 0.05, "awp_warmup": 1, "dropout": 0.2},
    {"perturbation": "none", "augmix": True, "jsd_weight": 0.0},
    {"distillation": "defensive", "swa_start": 0.0},
    {"preprocessing": "random_noise", "eot_draws": 2},
    {"network": "resnet18", "width": 2, "denoising": "median", "train_size": 100},
    {"perturbation": "mp", "network": "resnet18", "width": 2},
    {"perturbation": "sta", "network": "alexnet", "width": 2, "image_size": 21, "train_size": 100},
    {"perturbation": "sta", "network": "wide_resnet", "depth": 8, "train_size": 100},
]


@pytest.mark.parametrize("given", RESUMED, ids=lambda given: "-".join(map(str, given.values())))
def test_a_resumed_trial_equals_an_undisturbed_one(given: dict[str, Any]) -> None:
    """Whatever is drawn: starts, weights, directions, labels, crops, and dropout's masks."""
    settings = config(**{**SMALL, "tasks": TASKS, **given}, batch_size=64)
    first, second = adversarial_training.train(settings, InProcessRun(seed=3))
    torch.rand(5)  # somebody moves the global generator
    [again] = adversarial_training.train(settings, InProcessRun(seed=3, state=first.state))
    assert again.metrics == second.metrics
    assert again.state["epsilon"] == second.state["epsilon"]
    assert all(torch.equal(again.state["model"][name], tensor) for name, tensor in second.state["model"].items())
    other = list(adversarial_training.train(settings, InProcessRun(seed=4)))
    assert other[1].metrics != second.metrics


def test_what_was_trained_within_is_reported() -> None:
    given = {**SMALL, "epochs": 3, "epsilon": 0.2, "epsilon_warmup": 2, "batch_size": 50, "steps": 1, "step_size": 1.0}
    reports = list(adversarial_training.train(config(**given, random_start=False), InProcessRun()))
    assert [report.metrics["train/epsilon"] for report in reports] == pytest.approx([0.1, 0.2, 0.2])
    assert [report.state["epsilon"] for report in reports] == [0.2] * 3
    first, second, third = (report.metrics["train/perturbation_size"] for report in reports)
    # one step across the whole box ends in its corners, or at 0 or 1; four batches come in at 1/4 … 4/4 of 0.1
    assert first == pytest.approx(third * (1 + 2 + 3 + 4) / 16, rel=0.1)
    assert second == pytest.approx(third * (5 + 6 + 7 + 8) / 32, rel=0.1)
    assert 0.4 < third <= 1
    unperturbed = next(iter(adversarial_training.train(config(**SMALL, epsilon=0), InProcessRun())))
    assert unperturbed.metrics["train/perturbation_size"] == 0


def test_epsilon_can_be_a_share_of_the_distance_between_classes(digits: Dataset) -> None:
    """Of images that differ by one grey value everywhere: distance v √d, so ε is a share of v, and steps scale."""
    images = torch.tensor([0, 51] * 150, dtype=torch.uint8).reshape(-1, 1, 1, 1).expand(-1, 1, 8, 8).contiguous()
    made = Dataset(
        "grey", ("dark", "light"), Split(images, torch.arange(300) % 2), Split(images[:9], torch.arange(9) % 2)
    )
    assert full_epsilon(config(epsilon_share=0.5), cut(made).train) == pytest.approx(0.1)
    assert full_epsilon(config(epsilon_share=10), cut(made).train) == 1, "the most there can be"
    assert full_epsilon(config(epsilon=0.07), cut(made).train) == 0.07
    given = {**SMALL, "epsilon_share": 0.3, "random_start": False, "steps": 1, "step_size": 0.05, "epsilon": 0.1}
    report = next(iter(adversarial_training.train(config(**given), InProcessRun())))
    epsilon = report.metrics["train/epsilon"]
    assert epsilon == report.state["epsilon"] == full_epsilon(config(**given), cut(digits, **SMALL).train)
    assert 0.05 < epsilon < 0.15
    assert 0.2 < report.metrics["train/perturbation_size"] <= 0.5, "half a box for a step of half of ε"
    with pytest.raises(ValidationError, match="with epsilon 0, step_size can't be scaled"):
        config(epsilon_share=0.3, epsilon=0)


def test_seconds_are_measured_where_asked_for_alone() -> None:
    asked, unasked = (
        next(iter(adversarial_training.train(config(**SMALL, analyses=analyses), InProcessRun()))).metrics
        for analyses in (["epoch_seconds"], [])
    )
    assert 0 < asked.pop("train/epoch_seconds") < 60
    assert asked == unasked


def test_random_labels_go_to_other_images_and_stay_there(digits: Dataset) -> None:
    samples = cut(digits, tasks=TASKS).train
    dealt = with_random_labels(samples)
    assert torch.equal(dealt.labels[:, 0], samples.labels[:, 0])
    for task in (1, 2):
        assert torch.equal(dealt.labels[:, task].bincount(), samples.labels[:, task].bincount())
        alike = (dealt.labels[:, task] == samples.labels[:, task]).double().mean()
        shares = samples.labels[:, task].bincount() / len(samples)
        assert float(alike) == pytest.approx(float(shares.square().sum()), abs=0.06), "as by chance"
    assert torch.equal(with_random_labels(samples).labels, dealt.labels)
    assert not torch.equal(dealt.labels[:, 1], dealt.labels[:, 2])


def test_training_on_random_labels_leaves_the_auxiliary_heads_at_chance() -> None:
    settings = config(**{**SMALL, "width": 2, "train_size": None, "epochs": 4, "lr": 4e-3}, tasks=["odd_even"])
    found = {}
    for kind in ("mp", "mp_random_labels"):
        chosen = settings.model_copy(update={"perturbation": kind, "epsilon_warmup": 0})
        *_, last = adversarial_training.train(chosen, InProcessRun())
        found[kind] = last.metrics["validation/auxiliary_accuracy"]
    assert found["mp"] > 0.75
    assert abs(found["mp_random_labels"] - 0.5) < 0.15


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [1, 1, 1, 1, 1]),
        ("cosine", [1, 0.9045, 0.6545, 0.5, 0.0245]),
        ("cyclic", [0.01, 0.5, 1, 0.8333, 0.1667]),
        ("piecewise", [1, 1, 1, 0.1, 0.01]),
    ],
)
def test_schedules(schedule: str, expected: list[float]) -> None:
    settings = config(schedule=schedule, epochs=10)
    assert [lr_factor(settings, progress) for progress in (0, 2, 4, 5, 9)] == pytest.approx(expected, abs=1e-4)


def test_a_loss_beyond_all_numbers_is_divergence() -> None:
    # each step multiplies every weight by 1 - 10 × 1
    wild = config(**{**SMALL, "epochs": 5}, optimizer="sgd", lr=10, weight_decay=1, batch_size=10)
    with pytest.raises(Diverged, match=r"train/loss is (nan|inf)"):
        list(adversarial_training.train(wild, InProcessRun()))


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    settings, run = config(**SMALL, perturbation="mp", tasks=TASKS), InProcessRun()
    *_, last = adversarial_training.train(settings, run)
    adversarial_training.evaluate(settings, last.state, run)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_global_generator_changes_nothing() -> None:
    metrics = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        metrics.append([report.metrics for report in adversarial_training.train(config(**SMALL), InProcessRun())])
    assert metrics[0] == metrics[1]


def test_a_state_of_another_seed_is_refused() -> None:
    first = next(iter(adversarial_training.train(config(**SMALL), InProcessRun(seed=1))))
    with pytest.raises(ValueError, match="has seed 1, but this run has seed 2"):
        next(iter(adversarial_training.train(config(**SMALL), InProcessRun(seed=2, state=first.state))))


def test_arms_with_one_seed_share_weights_and_order(digits: Dataset) -> None:
    one, other = config(perturbation="sta", tasks=TASKS), config(perturbation="mp", tasks=TASKS)
    weights = [build(c, (1, 8, 8), (10, 2, 2), seed=4).state_dict() for c in (one, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    orders = []
    for settings in (one, other):
        samples = splits(settings, digits, "cpu").train
        order = EpochOrder(len(samples), seed=4)
        loader = make_loader(settings, samples, order)
        order.set_epoch(3)
        orders.append(torch.cat([labels for _, labels in loader]))
    assert torch.equal(*orders)
    assert stream_seed(1, "order", 0) != stream_seed(1, "order", 1) != stream_seed(1, "init", 1)


def test_every_epoch_has_an_order_of_its_own(digits: Dataset) -> None:
    samples = cut(digits, train_size=100).train
    orders = []
    for seed, epoch in ((0, 0), (0, 1), (1, 0)):
        order = EpochOrder(len(samples), seed)
        order.set_epoch(epoch)
        orders.append(tuple(order))
    assert len(set(orders)) == 3
    assert {tuple(sorted(order)) for order in orders} == {tuple(range(100))}


def test_batches_are_pixels_and_all_labels_and_every_image_comes_once(digits: Dataset) -> None:
    samples = cut(digits, tasks=["odd_even"], train_size=130).train
    loader = make_loader(config(tasks=["odd_even"], batch_size=50), samples, EpochOrder(len(samples), seed=0))
    batches = list(loader)
    assert [tuple(images.shape) for images, _ in batches] == [(50, 1, 8, 8), (50, 1, 8, 8), (30, 1, 8, 8)]
    assert batches[0][0].dtype == torch.float32
    assert 0 <= batches[0][0].min() <= batches[0][0].max() <= 1
    labels = torch.cat([labels for _, labels in batches])
    assert torch.equal(labels[:, 1], 1 - labels[:, 0] % 2)
    assert torch.equal(labels[:, 0].sort().values, samples.labels[:, 0].sort().values)
    assert torch.equal(samples[3][0], samples.pixels[3])


def test_the_model_of_a_state_needs_no_dataset() -> None:
    settings = config(**SMALL, tasks=TASKS)
    *_, last = adversarial_training.train(settings, InProcessRun())
    model = load(settings, last.state)
    assert [tuple(head.shape) for head in model(torch.rand(2, 1, 8, 8))] == [(2, 10), (2, 2), (2, 2)]


def numbered(n: int, classes: int = 2) -> Dataset:
    """A dataset whose images say which they are."""
    images = torch.arange(n).to(torch.uint8).reshape(n, 1, 1, 1).expand(n, 1, 8, 8).contiguous()
    labels = torch.arange(n) % classes
    return Dataset("numbered", tuple("abcdefgh"[:classes]), Split(images, labels), Split(images[:20], labels[:20]))


def which(images: torch.Tensor) -> set[int]:
    return set(images[:, 0, 0, 0].tolist())


def test_held_out_images_are_never_trained_on() -> None:
    dataset = numbered(200)
    for size, trained, held_out in ((None, 180, 20), (50, 50, 5), (190, 181, 19), (10_000, 180, 20)):
        made = cut(dataset, train_size=size, validation_fraction=0.1)
        assert not which(made.train.images) & which(made.validation.images)
        assert len(made.train) == trained
        assert len(made.validation) == held_out
    assert which(cut(dataset, train_size=50).train.images) == which(cut(dataset, train_size=50, lr=0.5).train.images)


def test_subsets_keep_the_proportions_of_the_classes(digits: Dataset) -> None:
    made = cut(digits, train_size=300, test_size=100, validation_fraction=0.3)
    for part, n in ((made.train, 300), (made.validation, 90), (made.test, 100)):
        assert len(part) == n
        counts = torch.bincount(part.labels[:, 0], minlength=10)
        assert counts.max() - counts.min() <= 3


@pytest.mark.parametrize(("dataset", "message"), [(numbered(1, 2), "too few"), (numbered(50, 1), "has one class")])
def test_data_that_nothing_can_be_learnt_from_is_refused(dataset: Dataset, message: str) -> None:
    with pytest.raises(DataError, match=message):
        cut(dataset)


def test_labels_of_all_tasks_stand_beside_each_other() -> None:
    tasks = [resolve_task(name, {}, tuple("0123456789")) for name in TASKS]
    assert task_labels(torch.tensor([0, 2, 7]), tasks).tolist() == [[0, 1, 0], [2, 1, 1], [7, 0, 1]]


def test_tiles_of_one_image_are_never_on_both_sides(digits: Dataset) -> None:
    groups = torch.arange(len(digits.train)) // 20
    train = Split(digits.train.images, digits.train.labels, groups=groups)
    cut = splits(config(dataset="digits"), Dataset("tiles", digits.classes, train, digits.test), "cpu")
    held, kept = groups[cut.validation.chosen], groups[cut.train.chosen]
    assert not set(held.tolist()) & set(kept.tolist())
    assert abs(len(held) - len(splits(config(dataset="digits"), digits, "cpu").validation)) <= 10
