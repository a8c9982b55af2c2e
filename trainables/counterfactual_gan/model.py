"""Build both networks of a configuration, and carry them through a `state`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from trainables.counterfactual_gan.config import Config
from trainables.models.discriminators.building import build_discriminator
from trainables.models.discriminators.discriminator import Discriminator
from trainables.models.generators.building import build_generator
from trainables.models.generators.generator import Generator
from trainables.randomness import stream_seed


class Explained(NamedTuple):
    """The outputs of a trained model for images (N, C, H, W)."""

    logits: Tensor
    """D's (N, 3): undamaged, damaged, generated."""
    counterfactuals: Tensor
    """G's (N, C, H, W), one draw."""
    class_logits: Tensor
    """G's class branch (N, 2)."""


class CounterfactualModel(nn.Module):
    """A discriminator, which classifies, and a generator, which explains."""

    def __init__(self, generator: Generator, discriminator: Discriminator) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator

    def forward(self, images: Tensor) -> Explained:
        """D's verdict, a counterfactual and G's verdict of images (N, C, H, W) in [0, 1]."""
        generated = self.generator(images)
        return Explained(self.discriminator(images), generated.images, generated.logits)


def generator_of(config: Config, shape: Sequence[int], seed: int) -> Generator:
    """A fresh generator for images (C, H, W), initialised from `seed` alone."""
    with torch.random.fork_rng(devices=[]):  # initialisers use the global generator, whose state must not change
        torch.manual_seed(stream_seed(seed, "generator"))
        return build_generator(
            config.generator,
            shape,
            width=config.generator_width,
            levels=config.generator_levels,
            noise_channels=config.noise_channels,
            noise_dim=config.noise_dim,
            dropout=config.dropout,
            quantised=config.quantised,
            residual=config.residual,
            upsampling=config.last_upsampling,
            pretrained=config.generator_pretrained,
            norm=config.norm,
        )


def discriminator_of(config: Config, shape: Sequence[int], seed: int, classes: int = 3) -> Discriminator:
    """A fresh discriminator for images (C, H, W), or with two classes its twin, initialised from `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, "discriminator"))
        return build_discriminator(
            config.discriminator,
            shape,
            classes,
            width=config.discriminator_width,
            norm=config.norm,
            fusion=config.fusion,
            pretrained=config.discriminator_pretrained,
        )


def load(config: Config, state: Mapping[str, Any]) -> CounterfactualModel:
    """The model of a stored state, on the CPU, in eval mode; for an averaged network the average."""
    offline = config.model_copy(update={"generator_pretrained": False, "discriminator_pretrained": False})
    model = CounterfactualModel(
        generator_of(offline, state["shape"], seed=0), discriminator_of(offline, state["shape"], seed=0)
    )
    for name, network in (("generator", model.generator), ("discriminator", model.discriminator)):
        network.load_state_dict(state.get(f"{name}_average", state[name]))
    return model.eval()
