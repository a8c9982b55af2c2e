"""Perturbation curves: PGD as ART's semantics read, objectives that do what they say, noise, expectation."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.evaluation.classification import fake_probability, predicted_class
from trainables.evaluation.perturbation_curves import (
    attack,
    expectation,
    gaussian_noise,
    pgd_over_epsilons,
    pgd_over_step_sizes,
)


@pytest.fixture(scope="module")
def problem() -> tuple[nn.Module, Tensor, Tensor]:
    """A small discriminator trained to tell dark squares from light ones, and noise (fake) from both."""
    torch.manual_seed(0)
    labels = torch.arange(60) % 2
    images = 0.5 + 0.05 * torch.randn(60, 1, 6, 6)
    images[labels == 1, :, 2:4, 2:4] -= 0.25
    images = images.clamp(0, 1)
    fakes = (images + 0.2 * torch.randn(images.shape)).clamp(0, 1)
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.Tanh(), nn.Flatten(), nn.Linear(128, 3))
    optimiser = torch.optim.Adam(model.parameters(), 5e-3)
    for _ in range(150):
        loss = F.cross_entropy(model(torch.cat([images, fakes])), torch.cat([labels, torch.full((60,), 2)]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval().requires_grad_(False), images, labels


def art(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float, step_size: float, steps: int = 10) -> Tensor:
    """ART's targeted projected gradient descent: no random start, clip to [0, 1], then project, step by step."""
    adversarial = images.clone()
    for _ in range(steps):
        point = adversarial.clone().requires_grad_()
        F.cross_entropy(model(point), 1 - labels).backward()
        assert point.grad is not None
        adversarial = torch.clamp(adversarial - step_size * point.grad.sign(), 0, 1)
        adversarial = images + torch.clamp(adversarial - images, -epsilon, epsilon)
    return adversarial


@pytest.mark.parametrize("step_size", [0.01, 0.1, 0.3])
def test_the_attack_is_arts_also_with_steps_beyond_epsilon(
    problem: tuple[nn.Module, Tensor, Tensor], step_size: float
) -> None:
    model, images, labels = problem
    double, images = copy.deepcopy(model).double(), images.double()
    found = attack(double, images, labels, 0.1, step_size)
    torch.testing.assert_close(found, art(double, images, labels, 0.1, step_size), rtol=0, atol=1e-12)
    assert (found - images).abs().max().item() == pytest.approx(0.1)


def test_a_curve_scores_what_its_attack_makes(problem: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, images, labels = problem
    curve = pgd_over_step_sizes(model, images, labels, (0.0, 0.005, 0.02, 0.1), batch=17)
    assert [point.strength for point in curve] == [0.0, 0.005, 0.02, 0.1]
    for point in curve:
        answers = model(attack(model, images, labels, 0.1, point.strength))
        wrong = predicted_class(answers) != labels
        assert point.accuracy == pytest.approx(1 - wrong.double().mean().item())
        assert point.fake == pytest.approx(fake_probability(answers).mean().item(), abs=1e-5)
        hits = int((predicted_class(answers) & labels).sum())
        assert point.f1 == pytest.approx(2 * hits / int(predicted_class(answers).sum() + labels.sum()))
        usual = torch.quantile(fake_probability(model(images)), 0.95)
        unnoticed = wrong & (fake_probability(answers) <= usual)
        assert point.unnoticed_errors == pytest.approx(unnoticed.double().mean().item())
        assert point.n == 60
    assert curve[0].accuracy > 0.95
    assert curve[-1].accuracy < 0.2 < curve[1].accuracy


def test_over_epsilon_the_attack_only_gets_stronger(problem: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, images, labels = problem
    curve = pgd_over_epsilons(model, images, labels, (0.0, 0.02, 0.1, 0.5))
    accuracies = [point.accuracy for point in curve]
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[-1] == 0
    expected = model(attack(model, images, labels, 0.02, 2.5 * 0.02 / 10))
    assert curve[1].fake == pytest.approx(fake_probability(expected).mean().item(), abs=1e-5)


def test_where_a_curve_begins_nothing_is_attacked(problem: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, images, labels = problem
    asked = []

    def logits(some: Tensor) -> Tensor:
        asked.append(some)
        return model(some)  # type: ignore[no-any-return]

    for curve in (pgd_over_epsilons, pgd_over_step_sizes):
        asked.clear()
        [start] = curve(logits, images, labels, (0.0,), batch=60)
        assert len(asked) == 2, "once clean, and once where the curve begins"
        assert torch.equal(*asked)
        [moved] = curve(logits, images, labels, (0.1,))
        assert moved.accuracy < start.accuracy


def test_objectives_lower_what_they_say(problem: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, images, labels = problem
    answers = {
        name: model(attack(model, images, labels, 0.08, 0.02, objective=name))
        for name in ("all_logits", "two_logits", "adaptive")
    }
    fake = {name: fake_probability(values).mean().item() for name, values in answers.items()}
    assert fake["adaptive"] < fake["all_logits"] < fake["two_logits"]
    between = {name: F.cross_entropy(values[:, :2], 1 - labels).item() for name, values in answers.items()}
    assert between["two_logits"] == min(between.values())
    weighted = model(attack(model, images, labels, 0.08, 0.02, objective="adaptive", fake_weight=10.0))
    assert fake_probability(weighted).mean().item() < fake["adaptive"]


def test_all_logits_are_two_logits_plus_the_log_of_not_being_fake() -> None:
    values = torch.randn(9, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(9) % 2
    split = F.cross_entropy(values[:, :2], targets, reduction="none") - torch.log(1 - fake_probability(values))
    torch.testing.assert_close(F.cross_entropy(values, targets, reduction="none"), split)


def test_models_without_p_fake(problem: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, images, labels = problem
    two = lambda x: model(x)[:, :2]  # noqa: E731
    [point] = pgd_over_step_sizes(two, images, labels, (0.01,))
    assert point.fake is None
    assert point.unnoticed_errors is None
    assert torch.equal(
        attack(two, images, labels, 0.1, 0.01), attack(model, images, labels, 0.1, 0.01, objective="two_logits")
    )
    with pytest.raises(ValueError, match="two logits don't have"):
        pgd_over_step_sizes(two, images, labels, (0.01,), objective="adaptive")


def test_noise_is_gaussian_clamped_and_the_same_at_every_sigma() -> None:
    images, labels = torch.full((400, 1, 5, 5), 0.5), torch.arange(400) % 2
    seen: list[Tensor] = []

    def watch(x: Tensor) -> Tensor:
        seen.append(x)
        return torch.stack([x.mean((1, 2, 3)), 1 - x.mean((1, 2, 3))], 1)

    gaussian_noise(watch, images, labels, (0.1, 0.2, 5.0), batch=400)
    clean, small, large, huge = seen
    assert torch.equal(clean, images)
    assert (small - 0.5).std().item() == pytest.approx(0.1, rel=0.03)
    inside = (large > 0) & (large < 1)
    torch.testing.assert_close((large - 0.5)[inside], 2 * (small - 0.5)[inside])
    assert (huge.min(), huge.max()) == (0, 1)
    again = gaussian_noise(watch, images, labels, (0.1,), batch=7)
    assert torch.equal(torch.cat(seen[-58:]), small), "whatever the batch"
    assert again != gaussian_noise(watch, images, labels, (0.1,), seed=1)


def test_p_fake_rises_with_noise_where_noise_was_learnt_as_fake(problem: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, images, labels = problem
    curve = gaussian_noise(model, images, labels, (0.0, 0.1, 0.3))
    assert curve[0].fake < curve[1].fake < curve[2].fake


def test_expectation_averages_probabilities_over_draws() -> None:
    draws = torch.tensor([[[0.0, 0.0]], [[2.0, 0.0]], [[0.0, 4.0]]])
    passes = iter(draws)
    found = expectation(lambda _: next(passes), 3)(torch.zeros(1, 1, 1, 1))
    torch.testing.assert_close(found.exp(), torch.softmax(draws, 2).mean(0))
    with pytest.raises(ValueError, match="draws = 0"):
        expectation(lambda x: x, 0)


def test_an_attack_on_the_expectation_beats_one_on_single_draws() -> None:
    """Gradients of random sign, right on average: single draws walk to and fro, the mean of many goes straight."""
    labels = torch.zeros(200, dtype=torch.long)
    images = torch.full((200, 1, 3, 3), 0.5)

    def noisy(x: Tensor) -> Tensor:
        weights = 1 + 4 * torch.randn(x.shape)
        score = 3 * ((x - 0.55) * weights).mean((1, 2, 3))
        return torch.stack([-score, score], 1)

    def mean_shift(draws: int) -> float:
        torch.manual_seed(0)
        return (attack(expectation(noisy, draws), images, labels, 0.1, 0.02) - images).mean().item()

    assert mean_shift(50) > 2 * mean_shift(1) > 0


def test_stochastic_models_are_seeded_and_the_global_generator_stays() -> None:
    images, labels = torch.rand(40, 1, 3, 3), torch.arange(40) % 2
    dropout = nn.Sequential(nn.Dropout(0.5), nn.Flatten(), nn.Linear(9, 2))
    before = torch.get_rng_state()
    first = pgd_over_step_sizes(dropout, images, labels, (0.0, 0.01), seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(5)
    assert pgd_over_step_sizes(dropout, images, labels, (0.0, 0.01), seed=3) == first
    others = {pgd_over_step_sizes(dropout, images, labels, (0.0, 0.01), seed=seed) for seed in range(5)}
    assert len(others) > 1


def test_empty_and_uneven_sets_are_refused() -> None:
    with pytest.raises(ValueError, match="2 images and 3 labels"):
        gaussian_noise(lambda x: x, torch.zeros(2, 1, 2, 2), torch.zeros(3))
    with pytest.raises(ValueError, match="0 images"):
        gaussian_noise(lambda x: x, torch.zeros(0, 1, 2, 2), torch.zeros(0))
