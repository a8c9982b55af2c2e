"""PGD in L2 and rotations, where the answers are known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainables.attacks.algorithms.l2_pgd import projected, withstands_l2
from trainables.attacks.algorithms.spatial import moved, withstands_motion


def linear(weights: Tensor, bias: float):  # type: ignore[no-untyped-def]
    def logits_of(images: Tensor) -> Tensor:
        value = (images.flatten(1) * weights).sum(1) + bias
        return torch.stack([-value, value], 1)

    return logits_of


def test_l2_fools_a_linear_network_exactly_within_the_distance_to_its_boundary() -> None:
    torch.manual_seed(0)
    weights = torch.randn(16)
    images = 0.4 + 0.2 * torch.rand(50, 1, 4, 4)
    logits_of = linear(weights, -float(0.5 * weights.sum()))
    labels = logits_of(images).argmax(1)
    distances = logits_of(images)[:, 1].abs() / weights.norm()
    radius = float(distances.median()) + 1e-4
    standing = withstands_l2(logits_of, images, labels, torch.ones(50, dtype=torch.bool), radius, 40)
    clear = (distances - radius).abs() > 1e-3
    assert torch.equal(standing[clear], (distances > radius)[clear])
    assert 0 < int(standing.sum()) < 50
    nobody = torch.zeros(50, dtype=torch.bool)
    assert not withstands_l2(logits_of, images, labels, nobody, radius, 3).any(), "what has fallen stays so"


def test_l2_fools_a_network_whose_cross_entropy_has_no_gradient_left() -> None:
    torch.manual_seed(2)
    images = 0.4 + 0.2 * torch.rand(20, 1, 4, 4)
    logits_of = linear(1e6 * torch.ones(16), -1e6 * 0.3 * 16)  # every image is of class 1, and the softmax is 1
    labels = logits_of(images).argmax(1)
    points = images.clone().requires_grad_()
    torch.nn.functional.cross_entropy(logits_of(points), labels).backward()
    assert points.grad is not None
    assert not points.grad.any()
    assert not withstands_l2(logits_of, images, labels, torch.ones(20, dtype=torch.bool), 1.5, 20).any()


def test_projections_stay_in_ball_and_box() -> None:
    torch.manual_seed(1)
    images = torch.rand(20, 3, 5, 5)
    points = projected(images + torch.randn_like(images), images, 0.7)
    assert float((points - images).flatten(1).norm(dim=1).max()) <= 0.7 + 1e-5
    assert 0 <= float(points.min()) <= float(points.max()) <= 1


@pytest.mark.parametrize(("degrees", "turns"), [(90.0, -1), (-90.0, 1), (180.0, 2)])
def test_right_angles_turn_the_image(degrees: float, turns: int) -> None:
    images = torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(moved(images, degrees, 0.0, 0.0), torch.rot90(images, turns, (2, 3)), atol=1e-5)


def test_shifts_go_down_and_to_the_right() -> None:
    images = torch.zeros(1, 1, 10, 10)
    images[0, 0, 4, 4] = 1.0
    there = moved(images, 0.0, 0.1, 0.2)
    assert float(there[0, 0, 5, 6]) == pytest.approx(1.0, abs=1e-4)
    assert float(there.sum()) == pytest.approx(1.0, abs=1e-4)


def test_one_motion_that_fools_is_enough() -> None:
    def is_right_half_brighter(images: Tensor) -> Tensor:
        side = images.shape[3] // 2
        value = images[..., side:].sum((1, 2, 3)) - images[..., :side].sum((1, 2, 3))
        return torch.stack([-value, value], 1)

    images = torch.zeros(2, 1, 10, 10)
    images[0, 0, :, 5] = 1.0  # one shift to the left crosses the middle
    images[1, 0, :, 8] = 1.0
    labels, everything = torch.tensor([1, 1]), torch.ones(2, dtype=torch.bool)
    standing = withstands_motion(is_right_half_brighter, images, labels, everything, [0.0], [-0.1, 0.0])
    assert standing.tolist() == [False, True]
    assert withstands_motion(is_right_half_brighter, images, labels, everything, [0.0], [0.0]).all()
