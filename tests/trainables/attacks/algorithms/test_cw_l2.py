"""Carlini and Wagner's L2 attack finds the closed form's norms, vectorised as one by one, and stays in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from trainables.attacks.algorithms.cw_l2 import cw_l2
from trainables.attacks.algorithms.margin import margin

Margins = Callable[[Tensor, Tensor], Tensor]


def linear_problem(dimensions: int, n: int = 20, seed: int = 0) -> tuple[Tensor, Margins, Tensor]:
    """Images well inside [0, 1], the margins of a linear classifier of four classes, and the distances to its border.

    The nearest point that class j wins is (z_y - z_j) / ‖w_y - w_j‖ away.
    """
    draw = torch.Generator().manual_seed(seed)
    weights = torch.randn(4, dimensions, generator=draw) / dimensions**0.5
    images = torch.rand(n, 1, 1, dimensions, generator=draw) * 0.4 + 0.3
    logits = images.flatten(1) @ weights.T
    labels = logits.argmax(1)

    def margins_of(adversarial: Tensor, which: Tensor) -> Tensor:
        return margin(adversarial.flatten(1) @ weights.T, labels[which]).unsqueeze(1)

    ways = weights[labels].unsqueeze(1) - weights
    distances = (logits.gather(1, labels.unsqueeze(1)) - logits) / ways.norm(dim=2)
    distances[torch.arange(n), labels] = torch.inf
    return images, margins_of, distances.min(1).values


@pytest.mark.parametrize("dimensions", [16, 200])
def test_norms_are_those_of_the_closed_form(dimensions: int) -> None:
    images, margins_of, distances = linear_problem(dimensions)
    found = cw_l2(margins_of, images, iterations=200)
    assert (found.norms >= distances * 0.999).all(), "nothing nearer than the border"
    assert (found.norms <= distances * 1.05 + 0.002).all(), "within 5 %, and of the tiniest within what a step is"
    assert (margins_of(found.adversarial, torch.arange(len(images))) > 0).all()
    torch.testing.assert_close((found.adversarial - images).flatten(1).norm(dim=1), found.norms)
    assert found.adversarial.min() >= 0
    assert found.adversarial.max() <= 1


def test_the_search_finds_each_image_a_weight_of_its_own() -> None:
    """Margins of one image may be a million times another's in the same batch."""
    images, margins_of, distances = linear_problem(50)
    scales = torch.logspace(-3, 3, len(images)).unsqueeze(1)
    found = cw_l2(lambda x, which: margins_of(x, which) * scales[which], images, iterations=200)
    far = distances > 0.02
    assert far.sum() > 15
    assert (found.norms[far] < 1.05 * distances[far]).all()


def test_each_image_is_attacked_as_if_alone() -> None:
    images, margins_of, _ = linear_problem(16, n=6)
    together = cw_l2(margins_of, images, iterations=50)
    for index in range(6):
        alone = cw_l2(
            lambda x, which, index=index: margins_of(x, which + index), images[index : index + 1], iterations=50
        )
        torch.testing.assert_close(alone.norms[0], together.norms[index])


def test_more_iterations_come_nearer() -> None:
    images, margins_of, distances = linear_problem(200)
    few, many = (cw_l2(margins_of, images, iterations=n).norms / distances for n in (10, 300))
    assert many.mean() < few.mean()


def test_what_is_wrong_already_is_left_alone_and_what_cannot_be_fooled_has_no_norm() -> None:
    images = torch.rand(3, 1, 2, 2, generator=torch.Generator().manual_seed(0))

    def margins_of(adversarial: Tensor, which: Tensor) -> Tensor:
        # sample 0 is wrong, sample 1 is wrong nowhere, sample 2 where its pixels are bright enough
        away = torch.stack([adversarial.flatten(1).sum(1) * 0 + 1, -1 - adversarial.flatten(1).sum(1),
                            adversarial.flatten(1).sum(1) - 3.9])  # fmt: skip
        return away[which, torch.arange(len(which))].unsqueeze(1)

    found = cw_l2(margins_of, images, iterations=60)
    assert found.norms[0] == 0
    assert found.norms[1] == torch.inf
    assert torch.equal(found.adversarial[:2], images[:2])
    assert 3.9 < found.adversarial[2].sum() < 3.95
    assert cw_l2(margins_of, images[:1], iterations=5).norms.tolist() == [0]


def test_pixels_at_the_ends_of_their_range_can_be_moved() -> None:
    images = torch.tensor([0.0, 1.0, 0.0, 1.0]).reshape(1, 1, 2, 2)
    signs = torch.tensor([1.0, -1.0, 1.0, -1.0]).reshape(1, 1, 2, 2)

    def margins_of(adversarial: Tensor, which: Tensor) -> Tensor:
        return ((adversarial * signs).flatten(1).sum(1) + 1).unsqueeze(1)  # the border is 0.25 away in every pixel

    found = cw_l2(margins_of, images, iterations=100)
    assert float(found.norms[0]) == pytest.approx(0.5, rel=0.02)


def test_every_head_is_misled_where_all_count() -> None:
    images, first, _ = linear_problem(16, n=10)
    _, second, _ = linear_problem(16, n=10, seed=1)

    def both(adversarial: Tensor, which: Tensor) -> Tensor:
        return torch.cat([first(adversarial, which), second(adversarial, which)], dim=1)

    one, two = (cw_l2(margins, images, iterations=100) for margins in (first, both))
    every = torch.arange(10)
    assert (two.norms >= one.norms * 0.98).all()
    assert second(two.adversarial, every).mean() > second(one.adversarial, every).mean()
