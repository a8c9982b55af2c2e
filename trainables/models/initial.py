"""Initial weights of residual networks."""

from __future__ import annotations

from torch import nn


def he_init(model: nn.Module) -> None:
    """Draw the weights of all convolutions as He et al. (2015), scaled by a layer's fan-out."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
