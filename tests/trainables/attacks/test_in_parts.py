"""A network's answers part by part: the same, and a graph of one part at a time."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from trainables.attacks.in_parts import in_parts
from trainables.evaluation.graph_size import graph_bytes, images_at_once
from trainables.models.first_layer import FirstConv2d

IMAGES = torch.rand(7, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(FirstConv2d(1, 8, 3), nn.Softplus(), nn.Flatten(), nn.Linear(128, 3))
    return layers.double().requires_grad_(False)


def gradient(answers: Tensor, point: Tensor) -> Tensor:
    return torch.autograd.grad((answers.square() * torch.arange(1, 8).view(-1, 1)).sum(), point)[0]


def test_answers_and_gradients_are_those_of_all_at_once(network: nn.Module) -> None:
    seen: list[int] = []

    def heads_of(images: Tensor) -> list[Tensor]:
        seen.append(len(images))
        return [network(images), 2 * network(images)]

    one, other = (IMAGES.clone().requires_grad_() for _ in range(2))
    whole, parts = heads_of(one), in_parts(heads_of, 3)(other)
    torch.testing.assert_close(parts, whole)
    for head in range(2):
        torch.testing.assert_close(gradient(parts[head], other), gradient(whole[head], one))
    assert seen[:4] == [7, 3, 3, 1]


def test_what_is_kept_is_the_images_alone(network: nn.Module) -> None:
    def in_threes(images: Tensor) -> Tensor:
        return in_parts(lambda part: [network(part)], 3)(images)[0]

    assert graph_bytes(in_threes, IMAGES) < graph_bytes(network, IMAGES) / 3


def test_as_many_as_fit_go_at_once(network: nn.Module) -> None:
    each = graph_bytes(network, IMAGES[:2]) - graph_bytes(network, IMAGES[:1])
    assert images_at_once(network, IMAGES[:1], 5 * each, most=500) == 5
    assert images_at_once(network, IMAGES[:1], 5 * each, most=4) == 4
