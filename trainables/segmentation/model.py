"""Build the network of a configuration, and carry it through a `state`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from trainables.models.generators.building import build_generator
from trainables.randomness import stream_seed
from trainables.segmentation.config import Config


class Segmenter(nn.Module):
    """The encoder and decoder of a generator, and a logit for each pixel."""

    def __init__(self, config: Config, shape: Sequence[int]) -> None:
        super().__init__()
        backbone = build_generator(
            config.network,
            shape,
            width=config.width,
            levels=config.levels,
            noise_channels=0,
            dropout=0.0,
            quantised=False,
            residual=False,
            pretrained=config.pretrained,
            norm=config.norm,
        )
        channels = backbone.head.in_channels
        # the image head and the class branch would be weights without gradients
        del backbone.head, backbone.branch
        self.backbone = backbone
        self.pixels = nn.Conv2d(channels, 1, kernel_size=1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, H, W) of images (N, C, H, W) in [0, 1]; above 0 is damaged."""
        logits: Tensor = self.pixels(self.backbone.decode(images).blocks[-1])
        return logits[:, 0]


def build(config: Config, shape: Sequence[int], seed: int) -> Segmenter:
    """A fresh network for images (C, H, W), initialised from `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, "init"))
        return Segmenter(config, shape)


def load(config: Config, state: Mapping[str, Any]) -> Segmenter:
    """The network of a stored state, on the CPU, in eval mode."""
    model = build(config.model_copy(update={"pretrained": False}), state["shape"], seed=0)
    model.load_state_dict(state["model"])
    return model.eval()
