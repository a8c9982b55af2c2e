"""Angular heads: cosines of the same weights, and the margin of the training loss."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from trainables.models.angular import AngularHead, with_angular_margin
from trainables.models.building import build_network

SCALE = 16.0


def logits_at(*degrees: float) -> torch.Tensor:
    """Logits (N, 2) whose first class is at these angles."""
    angles = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return SCALE * torch.stack([angles.cos(), torch.full_like(angles, 0.3)], 1)


def test_logits_are_cosines_whatever_the_lengths() -> None:
    torch.manual_seed(0)
    linear = nn.Linear(7, 4)
    head = AngularHead(linear, SCALE)
    features = torch.randn(5, 7)
    weights, x = linear.weight.detach().numpy(), features.numpy()
    cosines = x @ weights.T / np.linalg.norm(x, axis=1)[:, None] / np.linalg.norm(weights, axis=1)
    np.testing.assert_allclose(head(features).detach().numpy(), SCALE * cosines, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(head(3 * features), head(features))
    assert torch.equal(head(torch.zeros(1, 7)), torch.zeros(1, 4)), "no features, no direction"


@pytest.mark.parametrize("network", ["lenet", "resnet18", "wide_resnet"])
def test_a_network_keeps_the_trunk_and_the_first_weights_of_its_seed(network: str) -> None:
    networks = []
    for _ in range(2):
        torch.manual_seed(3)
        networks.append(build_network(network, (1, 12, 12), (5, 2), 1, 8).eval())
    networks[1].use_angular_heads(SCALE)
    linear, angular = (dict(network.state_dict()) for network in networks)
    assert linear.keys() - angular.keys() == {"heads.0.bias", "heads.1.bias"}
    assert all(torch.equal(tensor, linear[name]) for name, tensor in angular.items())
    images = torch.rand(3, 1, 12, 12)
    features = networks[0].trunk(images)
    for head, logits in zip(networks[0].heads, networks[1](images), strict=True):
        expected = SCALE * F.cosine_similarity(features[:, None], head.weight[None], dim=2)
        torch.testing.assert_close(logits, expected)


def test_without_a_margin_the_logits_are_the_cosine_heads_own() -> None:
    logits = torch.randn(6, 3)
    assert with_angular_margin(logits, torch.zeros(6, dtype=torch.int64), 0.0, SCALE) is logits


def test_a_margin_turns_the_right_class_away_and_no_other() -> None:
    logits, labels = logits_at(10, 60, 120, 150), torch.zeros(4, dtype=torch.int64)
    turned = with_angular_margin(logits, labels, math.radians(20), SCALE)
    expected = [SCALE * math.cos(math.radians(angle)) for angle in (30, 80, 140, 170)]
    assert turned[:, 0].tolist() == pytest.approx(expected, rel=1e-9)
    assert torch.equal(turned[:, 1], logits[:, 1])
    # at margin 0.2 the loss is larger, and falls as the angle does
    losses = F.cross_entropy(turned, labels, reduction="none")
    assert (losses > F.cross_entropy(logits, labels, reduction="none")).all()
    assert (losses.diff() > 0).all()


def test_beyond_the_opposite_direction_it_goes_on_falling() -> None:
    angles = torch.linspace(1, 179, 179).tolist()
    turned = with_angular_margin(logits_at(*angles), torch.zeros(179, dtype=torch.int64), 1.0, SCALE)[:, 0]
    assert (turned.diff() < 0).all()
    assert float(turned.diff().abs().max()) < SCALE * math.radians(1) * 1.01, "without a leap"


def test_gradients_are_those_of_the_formula_and_finite_at_its_ends() -> None:
    torch.manual_seed(0)
    labels = torch.tensor([0, 2, 1])
    head = AngularHead(nn.Linear(5, 3), SCALE).double()

    def loss(features: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        logits = SCALE * F.linear(F.normalize(features, dim=1), F.normalize(weight, dim=1))
        return F.cross_entropy(with_angular_margin(logits, labels, 0.3, SCALE), labels)

    features = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(loss, (features, head.weight))
    ends = logits_at(0, 180).requires_grad_()
    F.cross_entropy(with_angular_margin(ends, torch.tensor([0, 0]), 0.5, SCALE), torch.tensor([0, 0])).backward()
    assert ends.grad is not None
    assert ends.grad.isfinite().all()
