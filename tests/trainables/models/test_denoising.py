"""Feature denoising blocks: what each operation is, that a new block changes nothing, and where blocks stand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import median_filter, uniform_filter
from torch import Tensor

from trainables.models.building import build_network
from trainables.models.denoising import DENOISED, DenoisingBlock

NETWORKS: list[tuple[str, dict[str, Any]]] = [
    ("resnet18", {"width": 2}),
    ("wide_resnet", {"width": 1, "depth": 14}),
]


def features() -> Tensor:
    return torch.randn(2, 4, 6, 5, generator=torch.Generator().manual_seed(0))


def block(operation: str) -> DenoisingBlock:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return DenoisingBlock(4, operation)


def test_medians_are_scipys() -> None:
    ours = block("median").denoised(features())
    theirs = median_filter(features().numpy(), size=(1, 1, 3, 3), mode="nearest")
    assert np.allclose(ours.numpy(), theirs)


def test_means_are_scipys_within_the_border() -> None:
    ours = block("mean").denoised(features())
    theirs = uniform_filter(features().double().numpy(), size=(1, 1, 3, 3))
    assert np.allclose(ours[:, :, 1:-1, 1:-1].numpy(), theirs[:, :, 1:-1, 1:-1], atol=1e-6)
    corner = features()[:, :, :2, :2].mean((2, 3))
    torch.testing.assert_close(ours[:, :, 0, 0], corner)


def test_non_local_means_are_weighted_by_a_softmax_over_all_places() -> None:
    """Place by place, as Xie et al. write it (section 3.2, Gaussian)."""
    one, given = block("non_local"), features()
    ours = one.denoised(given)
    theta, phi = one.theta(given), one.phi(given)
    for n in range(2):
        for row, column in ((0, 0), (3, 2), (5, 4)):
            alike = torch.einsum("c,cij->ij", theta[n, :, row, column], phi[n]) / math.sqrt(theta.shape[1])
            weights = alike.flatten().softmax(0).view(6, 5)
            expected = (given[n] * weights).sum((1, 2))
            torch.testing.assert_close(ours[n, :, row, column], expected)


@pytest.mark.parametrize("operation", DENOISED)
def test_the_block_is_the_features_and_a_normalised_1x1_convolution(operation: str) -> None:
    one = block(operation).eval()
    assert torch.equal(one(features()), features()), "a new block changes nothing"
    torch.nn.init.ones_(one.norm.weight)
    expected = features() + one.norm(one.conv(one.denoised(features())))
    torch.testing.assert_close(one(features()), expected)
    assert not torch.allclose(one(features()), features(), atol=0.1)


@pytest.mark.parametrize(("network", "sizes"), NETWORKS)
@pytest.mark.parametrize("operation", DENOISED)
def test_every_stage_has_a_block_and_all_else_starts_alike(network: str, sizes: Any, operation: str) -> None:
    made = {}
    for denoising in ("none", operation):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            made[denoising] = build_network(network, (3, 16, 16), (10, 2), **sizes, denoising=denoising).eval()
    plain, denoised = made["none"], made[operation]
    assert len(denoised.denoising) == (4 if network == "resnet18" else 3)
    assert len(plain.denoising) == 0
    own = denoised.state_dict()
    assert all(torch.equal(own[name], weights) for name, weights in plain.state_dict().items())
    images = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(denoised(images)[0], plain(images)[0])
    for one in denoised.denoising:
        torch.nn.init.ones_(one.norm.weight)
    assert not torch.allclose(denoised(images)[0], plain(images)[0])
    denoised(images)[0].sum().backward()
    for one in denoised.denoising:
        assert float(one.conv.weight.grad.abs().sum()) > 0, "a block that no gradient reaches"


def test_an_unknown_operation_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(ValueError, match="'bilateral' is not a denoising operation; choose mean, median, non_local"):
        DenoisingBlock(4, "bilateral")
