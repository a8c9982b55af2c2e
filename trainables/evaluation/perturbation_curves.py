"""A binary classifier and p_fake under perturbations of growing strength (S1, Figure 3).

`logits` is anything from images (N, C, H, W) in [0, 1] to (N, 2) or (N, 3) logits; put the model behind it in eval mode
without parameter gradients (`frozen`). Images are taken `batch` at a time, or as many as the graph of an attack leaves
room for (`images_at_once`). A stochastic one draws from torch's global generator, is seeded the same way at
every point, and is best wrapped in `expectation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from trainables.attacks.algorithms.pgd import pgd
from trainables.evaluation.classification import classification_scores, fake_probability, predicted_class
from trainables.evaluation.graph_size import images_at_once

Logits = Callable[[Tensor], Tensor]
Objective = Literal["all_logits", "two_logits", "adaptive"]
Perturb = Callable[[Tensor, Tensor, slice], Tensor]
"""Images and labels of a batch, and which images they are, to perturbed images."""

EPSILON, STEPS = 0.1, 10
"""S1, 4.5."""
STEP_SIZES = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
EPSILONS = (0.0, 2 / 255, 4 / 255, 8 / 255, 16 / 255, 0.1, 0.2)
SIGMAS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Figure 3's axes, read by eye: assumed."""
NOTICED = 0.95
"""The quantile of p_fake on clean images above which an image would be noticed."""


@dataclass(frozen=True)
class Point:
    """The scores of a classifier at one strength; shares of 1, over n images.

    `fake`: the mean p_fake; `unnoticed_errors`: the share misclassified with a p_fake that 95 % of the clean images
    stay at or below. Both are None for models with two logits.
    """

    strength: float
    accuracy: float
    f1: float
    fake: float | None
    unnoticed_errors: float | None
    n: int
    predicted: Tensor = field(compare=False)
    """The class of each image, (n,)."""


def pgd_over_step_sizes(
    logits: Logits,
    images: Tensor,
    labels: Tensor,
    step_sizes: Sequence[float] = STEP_SIZES,
    *,
    epsilon: float = EPSILON,
    steps: int = STEPS,
    objective: Objective = "all_logits",
    fake_weight: float = 1.0,
    batch: int | None = None,
    seed: int = 0,
) -> tuple[Point, ...]:
    """Figure 3a as ART runs it: PGD towards the other class from x itself, a point for each step size.

    ART allows steps larger than ε, so that from a step of ε on every point is nearly the same attack; the sweep over ε
    tells more. See `attack` for the objectives.
    """

    def at(step_size: float) -> Perturb:
        return lambda x, y, _: attack(logits, x, y, epsilon, step_size, steps, objective, fake_weight)

    return _curve(logits, images, labels, [(size, at(size)) for size in step_sizes], batch, seed)


def pgd_over_epsilons(
    logits: Logits,
    images: Tensor,
    labels: Tensor,
    epsilons: Sequence[float] = EPSILONS,
    *,
    steps: int = STEPS,
    objective: Objective = "all_logits",
    fake_weight: float = 1.0,
    batch: int | None = None,
    seed: int = 0,
) -> tuple[Point, ...]:
    """PGD towards the other class from x itself in steps of 2.5 ε / steps (customary: Madry et al. 2018), over ε."""

    def at(epsilon: float) -> Perturb:
        return lambda x, y, _: attack(logits, x, y, epsilon, 2.5 * epsilon / steps, steps, objective, fake_weight)

    return _curve(logits, images, labels, [(epsilon, at(epsilon)) for epsilon in epsilons], batch, seed)


def gaussian_noise(
    logits: Logits,
    images: Tensor,
    labels: Tensor,
    sigmas: Sequence[float] = SIGMAS,
    *,
    batch: int | None = None,
    seed: int = 0,
) -> tuple[Point, ...]:
    """Figure 3b: x + σz clamped to [0, 1], with the same standard normal z (of `seed`) at every σ."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(images.shape, generator=generator, dtype=images.dtype)

    def at(sigma: float) -> Perturb:
        return lambda x, _, here: (x + sigma * noise[here].to(x.device)).clamp(0, 1)

    return _curve(logits, images, labels, [(sigma, at(sigma)) for sigma in sigmas], batch, seed)


def attack(
    logits: Logits,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    step_size: float,
    steps: int = STEPS,
    objective: Objective = "all_logits",
    fake_weight: float = 1.0,
) -> Tensor:
    """Images within ε (L∞) of `images` and in [0, 1], moved towards class y' = 1 - y in `steps` sign steps from x.

    What is lowered: "all_logits", -log p_y', as ART does it. With three logits this is the next plus -log(1 - p_fake),
    which stops mattering once p_fake is small. "two_logits", -log of p_y' between the two classes, as predictions are
    made, for any p_fake. "adaptive", the same plus `fake_weight` · log p_fake, which continues lowering p_fake.
    """
    if epsilon == 0 or step_size == 0:
        return images  # the start of every curve: no step would move
    targets = 1 - labels.long()

    def loss_of(point: Tensor) -> Tensor:
        return -_targeted_loss(logits(point), targets, objective, fake_weight).sum()

    return pgd(loss_of, images, epsilon, step_size, steps, random_start=False)


@dataclass(frozen=True)
class Expectation:
    """A stochastic model's `logits`, with an expectation over its noise; see `expectation`."""

    logits: Logits
    draws: int

    def __call__(self, images: Tensor) -> Tensor:
        """The log of the mean probabilities, (N, 2) or (N, 3)."""
        passes = [torch.log_softmax(checkpoint(self.logits, images, use_reentrant=False), 1) for _ in range(self.draws)]
        return torch.stack(passes).logsumexp(0) - torch.tensor(float(self.draws), device=images.device).log()


def expectation(logits: Logits, draws: int) -> Expectation:
    """The log of a stochastic model's probabilities, averaged over `draws` passes: its logits for attack and verdict.

    Gradients through it are those of expectation over transformation (Athalye et al. 2018), of the mean probability.
    A backward pass recomputes the passes one after the other with the same draws, so that at any time
    it holds the graph of one.
    """
    if draws < 1:
        raise ValueError(f"draws = {draws}; at least one is needed")
    return Expectation(logits, draws)


def _targeted_loss(values: Tensor, targets: Tensor, objective: Objective, fake_weight: float) -> Tensor:
    if objective == "all_logits":
        return torch.nn.functional.cross_entropy(values, targets, reduction="none")
    between = torch.nn.functional.cross_entropy(values[:, :2], targets, reduction="none")
    if objective == "two_logits":
        return between
    if values.shape[1] != 3:
        raise ValueError("an adaptive attack lowers p_fake, which two logits don't have; use two_logits")
    return between + fake_weight * torch.log_softmax(values, 1)[:, 2]


def _curve(
    logits: Logits,
    images: Tensor,
    labels: Tensor,
    strengths: Sequence[tuple[float, Perturb]],
    batch: int | None,
    seed: int,
) -> tuple[Point, ...]:
    if len(images) != len(labels) or len(images) == 0:
        raise ValueError(f"{len(images)} images and {len(labels)} labels")
    if batch is None:
        with _seeded(images.device, seed):
            batch = images_at_once(logits.logits if isinstance(logits, Expectation) else logits, images[:1])
    clean = _answers(logits, images, labels, lambda x, _, __: x, batch, seed)
    usual = torch.quantile(fake_probability(clean), NOTICED) if clean.shape[1] == 3 else None
    points = []
    for strength, perturb in strengths:
        answers = _answers(logits, images, labels, perturb, batch, seed)
        points.append(_point(strength, answers, labels.cpu(), usual))
    return tuple(points)


def _answers(logits: Logits, images: Tensor, labels: Tensor, perturb: Perturb, batch: int, seed: int) -> Tensor:
    """The logits of all perturbed images, (N, 2 or 3), on the CPU."""
    parts = []
    with _seeded(images.device, seed):
        for start in range(0, len(images), batch):
            here = slice(start, start + batch)
            perturbed = perturb(images[here], labels[here], here)
            with torch.no_grad():
                parts.append(logits(perturbed).detach().cpu())
    return torch.cat(parts)


def _point(strength: float, answers: Tensor, labels: Tensor, usual: Tensor | None) -> Point:
    predicted = predicted_class(answers)
    scores = classification_scores(predicted, labels)
    if usual is None:
        return Point(strength, scores.accuracy, scores.f1, None, None, scores.n, predicted)
    fake = fake_probability(answers)
    unnoticed = (predicted != labels) & (fake <= usual)
    mean_fake, missed = float(fake.mean()), float(unnoticed.double().mean())
    return Point(strength, scores.accuracy, scores.f1, mean_fake, missed, scores.n, predicted)


@contextmanager
def _seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Seed torch's global generators with `seed`, and restore them afterwards."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
