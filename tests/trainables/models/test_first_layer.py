"""The first convolution is torch's own in everything but the way to its images' gradient."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainables.models.first_layer import FirstConv2d


def pair(channels: int, kernel: int, dtype: torch.dtype) -> tuple[FirstConv2d, nn.Conv2d]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        ours = FirstConv2d(channels, 4, kernel).to(dtype)
        theirs = nn.Conv2d(channels, 4, kernel, padding=kernel // 2).to(dtype)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


@pytest.mark.parametrize(("channels", "kernel"), [(1, 5), (3, 3), (3, 1), (2, 7)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("frozen", [True, False])
def test_maps_and_gradients_are_torchs(channels: int, kernel: int, layout: torch.memory_format, frozen: bool) -> None:
    images = torch.rand(5, channels, 9, 12, dtype=torch.float64).contiguous(memory_format=layout)
    found = []
    for convolution in pair(channels, kernel, torch.float64):
        convolution.to(memory_format=layout).requires_grad_(not frozen)
        point = images.clone().requires_grad_()
        maps = convolution(point)
        maps.sin().sum().backward()
        found.append((maps, point.grad, convolution.weight.grad, convolution.bias.grad))
    for ours, theirs in zip(*found, strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_gradients_of_gradients_are_right() -> None:
    convolution = pair(2, 3, torch.float64)[0].requires_grad_(False)
    images = torch.rand(2, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda point: convolution(point).sin(), images)


def test_bfloat16_gradients_are_summed_in_float32() -> None:
    ours, theirs = (convolution.requires_grad_(False) for convolution in pair(1, 5, torch.float32))
    images = torch.rand(4, 1, 8, 8)
    found = []
    for convolution in (ours, theirs):
        point = images.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            convolution(point).float().sin().sum().backward()
        assert point.grad.dtype == torch.float32
        found.append(point.grad)
    torch.testing.assert_close(*found, rtol=0.05, atol=0.05)


def test_the_layer_really_takes_its_own_way_where_only_images_want_a_gradient() -> None:
    ours, _ = pair(1, 5, torch.float32)
    images = torch.rand(2, 1, 8, 8, requires_grad=True)
    assert "ConvOfImages" not in ours(images).grad_fn.name()
    ours.requires_grad_(False)
    assert "ConvOfImages" in ours(images).grad_fn.name()
