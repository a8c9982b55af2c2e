"""PGD for evaluation: any fooling iterate counts, and a sample whose iterate repeats is done with the same result."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.support.robust_digits import EPSILON, digits_images, robust_network
from trainables.attacks.algorithms.losses import cross_entropy
from trainables.attacks.algorithms.margin import margin
from trainables.attacks.algorithms.pgd import pgd
from trainables.attacks.algorithms.sign_pgd import ascend, sign_pgd, uniform_point
from trainables.attacks.objective import AttackResult, BestIterates, Judged, untargeted


def plain(images: Tensor, labels: Tensor, start: Tensor, step_size: float, steps: int) -> tuple[Tensor, Tensor]:
    """Every iterate, (steps + 1, N, C, H, W), and whether it fooled, (steps + 1, N); nothing stops."""
    network = copy.deepcopy(robust_network()).to(images.dtype)
    lowest, highest = (images - EPSILON).clamp(0, 1), (images + EPSILON).clamp(0, 1)
    iterates = [start]
    for _ in range(steps):
        point = iterates[-1].clone().requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(network(point), labels, reduction="sum"), point)
        iterates.append(torch.clamp(iterates[-1] + step_size * gradient.sign(), lowest, highest))
    return torch.stack(iterates), torch.stack([network(point).argmax(1) != labels for point in iterates])


@pytest.mark.parametrize(("step_size", "steps"), [(0.01, 0), (0.03, 1), (0.24, 6), (0.01, 30)])
def test_whatever_iterate_fools_counts(step_size: float, steps: int) -> None:
    network, (images, labels) = copy.deepcopy(robust_network()).double(), digits_images()
    images, labels = images[:300].double(), labels[:300]
    start = uniform_point(images, EPSILON, torch.Generator().manual_seed(0))
    iterates, fooled = plain(images, labels, start, step_size, steps)
    best = BestIterates(images)
    objective = untargeted(network, labels, cross_entropy)
    ascend(objective, images, start, best, epsilon=EPSILON, step_size=step_size, steps=steps)
    assert torch.equal(best.fooled, fooled.any(0))
    if steps == 6:
        assert best.fooled.sum() > fooled[-1].sum(), "the last iterate alone is weaker here"
    for sample in range(len(images)):
        seen = iterates[:, sample]
        if best.fooled[sample]:
            wanted = seen[fooled[:, sample].nonzero()[0, 0]]
        else:
            losses = F.cross_entropy(network(seen), labels[sample].expand(len(seen)), reduction="none")
            wanted = seen[losses.argmax()]
        torch.testing.assert_close(best.images[sample], wanted, rtol=0, atol=1e-12)


def attack(step_size: float, steps: int, count: int = 120, *, detect_cycles: bool = True) -> AttackResult:
    network, (images, labels) = copy.deepcopy(robust_network()).double(), digits_images()
    images, labels = images[:count].double(), labels[:count]
    judged = untargeted(network, labels, cross_entropy)

    def objective(points: Tensor, which: Tensor) -> Judged:
        """A loss that doesn't depend on the batch: its last digits do, on how matrices of that size are multiplied."""
        found = judged(points, which)
        return Judged(found.loss + (found.loss.round(decimals=9) - found.loss).detach(), found.fooled)

    return sign_pgd(
        objective,
        images,
        EPSILON,
        step_size,
        steps,
        random_start=True,
        restarts=2,
        generator=torch.Generator().manual_seed(0),
        detect_cycles=detect_cycles,
    )


@pytest.mark.parametrize(("step_size", "steps", "share"), [(0.01, 100, 0.6), (0.03, 100, 0.3), (0.12, 60, 0.8)])
def test_a_repeated_iterate_ends_a_sample_with_the_same_result(step_size: float, steps: int, share: float) -> None:
    quick, full = (attack(step_size, steps, detect_cycles=detect) for detect in (True, False))
    assert torch.equal(quick.images, full.images)
    assert torch.equal(quick.fooled, full.fooled)
    assert quick.evaluations < share * full.evaluations


def tour(length: int, lead: int) -> tuple[list[int], int]:
    """Steps at which a sample is evaluated that enters a cycle of `length` after `lead` steps, by its gradients' signs.

    Eight pixels count in binary: the gradient's sign leads from one corner of the box to the next.
    """
    images = torch.full((1, 1, 1, 8), 0.4)
    seen: list[int] = []

    def objective(points: Tensor, which: Tensor) -> Judged:
        state = sum(1 << bit for bit in range(8) if points[0, 0, 0, bit] > 0.4)
        seen.append(state)
        following = state + 1 if state + 1 < lead + length else lead
        signs = torch.tensor([1.0 if following >> bit & 1 else -1.0 for bit in range(8)])
        return Judged((points * signs).sum((1, 2, 3)), torch.zeros(1, dtype=torch.bool))

    # a step of twice ε ends in the corner that the signs name
    found = sign_pgd(objective, images, 0.1, 0.2, 250, random_start=False)
    return seen, found.evaluations


@pytest.mark.parametrize("length", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("lead", [0, 1, 5, 60])
def test_cycles_of_any_length_are_found_soon_after_they_close(length: int, lead: int) -> None:
    seen, evaluations = tour(length, lead)
    assert set(seen) == set(range(lead + length)), "a state of the cycle was never asked about"
    closed = lead + length
    assert closed <= evaluations <= max(1.3 * closed + length + 6, 6 * length + 6)


@pytest.mark.parametrize("random_start", [True, False])
@pytest.mark.parametrize("epsilon", [0.0, EPSILON, 1.0])
@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_images_are_allowed_and_fool_where_said(classes: int, count: int, epsilon: float, random_start: bool) -> None:
    network, (images, labels) = robust_network(classes), digits_images(classes)
    images, labels = images[:count], labels[:count]
    found = sign_pgd(
        untargeted(network, labels, margin),
        images,
        epsilon,
        epsilon / 4,
        12,
        random_start=random_start,
        generator=torch.Generator().manual_seed(1),
    )
    assert torch.equal(network(found.images).argmax(1) != labels, found.fooled)
    assert (found.images - images).abs().max() <= epsilon + 1e-6
    assert 0 <= found.images.min() <= found.images.max() <= 1
    if epsilon == 0:
        assert torch.equal(found.images, images)
        assert found.evaluations == count, "an image that can't move is evaluated once"


def test_it_walks_as_the_training_attack_does() -> None:
    """The last iterate of `pgd` is the best one of a loss that only rises."""
    images = torch.rand(5, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    weights = torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(1))

    def objective(points: Tensor, which: Tensor) -> Judged:
        return Judged((points * weights[which]).sum((1, 2, 3)), torch.zeros(len(points), dtype=torch.bool))

    found = sign_pgd(objective, images, 0.1, 0.03, 3, random_start=False)
    assert torch.equal(found.images, pgd(lambda x: (x * weights).sum(), images, 0.1, 0.03, 3, random_start=False))
