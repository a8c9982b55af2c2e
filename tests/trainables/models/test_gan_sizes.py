"""Multiply-adds and parameters said without torch are those of the networks that are built."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from trainables.models.discriminators.building import build_discriminator
from trainables.models.discriminators.sizes import discriminator_size
from trainables.models.generators.building import build_generator
from trainables.models.generators.sizes import generator_size
from trainables.models.sizes import Size
from trainables.models.swin_sizes import swin_geometry

PLAIN = {"noise_channels": 0, "noise_dim": 16, "quantised": False, "upsampling": "expand"}
WHOLE = {"noise_channels": 2, "noise_dim": 8, "quantised": True, "upsampling": "nearest"}


@pytest.mark.parametrize("kind", ["cnn_unet", "swin_unet"])
@pytest.mark.parametrize("parts", [PLAIN, WHOLE])
@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        ((1, 32, 32), {"width": 16, "levels": 4}),
        ((3, 32, 48), {"width": 12, "levels": 2}),
        ((3, 96, 96), {"width": 33, "levels": 3}),
        ((3, 224, 224), {"width": 96, "levels": 4}),
    ],
)
def test_a_generator_is_as_large_as_said(kind: Any, parts: Any, shape: Any, sizes: Any) -> None:
    with torch.device("meta"):
        model = build_generator(kind, shape, **sizes, **parts)
    said = generator_size(kind, shape, **sizes, **parts)
    assert_size(model, shape, said)


@pytest.mark.parametrize(
    ("kind", "fusion"),
    [
        *((kind, "features") for kind in ("resnet3", "resnet18", "resnet50", "swin_tiny", "swin_small", "hybrid")),
        ("hybrid", "logits"),
    ],
)
@pytest.mark.parametrize(
    ("shape", "sizes"),
    [((1, 32, 32), {"width": 16}), ((3, 30, 46), {"width": 12}), ((3, 224, 224), {"width": 64})],
)
def test_a_discriminator_is_as_large_as_said(kind: Any, fusion: Any, shape: Any, sizes: Any) -> None:
    with torch.device("meta"):
        model = build_discriminator(kind, shape, 3, fusion=fusion, **sizes)
    assert_size(model, shape, discriminator_size(kind, shape, 3, fusion=fusion, **sizes))


def assert_size(model: nn.Module, shape: tuple[int, int, int], said: Size) -> None:
    assert said.parameters == sum(weights.numel() for weights in model.parameters())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(torch.rand(1, *shape, device="meta"))
    assert 2 * said.macs == counter.get_total_flops()


@pytest.mark.parametrize(
    ("kind", "width", "parameters", "billions"),
    [
        ("resnet18", 64, 11_689_512, 1.8),
        ("resnet50", 64, 25_557_032, 4.1),
        ("swin_tiny", 96, 28_288_354, 4.5),  # Liu et al. (2021), Table 1
        ("swin_small", 96, 49_606_258, 8.7),
    ],
)
def test_customary_networks_have_the_sizes_of_their_papers(
    kind: str, width: int, parameters: int, billions: float
) -> None:
    size = discriminator_size(kind, (3, 224, 224), 1000, width=width)
    assert size.parameters == parameters
    assert size.macs / 1e9 == pytest.approx(billions, abs=0.05)


@pytest.mark.parametrize(
    ("side", "patch", "window", "grids"),
    [
        (32, 2, 8, [16, 8, 4, 2]),
        (64, 2, 8, [32, 16, 8, 4]),
        (96, 2, 6, [48, 24, 12, 6]),
        (224, 4, 7, [56, 28, 14, 7]),
        (28, 2, 7, [14, 7, 4, 2]),
    ],
)
def test_windows_divide_the_grids_of_customary_images(side: int, patch: int, window: int, grids: list[int]) -> None:
    geometry = swin_geometry((1, side, side))
    assert (geometry.patch, geometry.window) == (patch, window)
    assert [grid[0] for grid in geometry.grids] == grids
