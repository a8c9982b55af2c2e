"""A transformation in front of a network's trunk, as a part of the network that every attack goes through."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from trainables.input_transformations.strengths import Strengths
from trainables.input_transformations.table import TRANSFORMATIONS

DRAWS_SEED = 20261121
"""Seed of a random transformation's draws at test time: the same for every image, batch, network and attack."""

TRIED = 16
"""Pixels a side of the image that a new transformation is tried on."""


class Preprocessing(nn.Module):
    """The transformation of images before a network's trunk.

    In training, one transformation of each batch, redrawn from torch's global generator, or none unless
    `in_training`. In eval mode the features are the mean over `draws` transformations with fixed draws, the same for
    all images, so that the network is deterministic; with linear heads that is the mean of the logits. The gradient of
    the images is the mean of the gradients through all draws: expectation over transformation (EoT: Athalye et al.,
    2018), by an attacker who knows the draws. Transformations without draws are computed once.
    """

    def __init__(self, kind: str, strengths: Strengths, *, draws: int, in_training: bool) -> None:
        super().__init__()
        self.kind, self.strengths, self.in_training = TRANSFORMATIONS[kind], strengths, in_training
        self.draws = draws if self.kind.is_random else 1
        # its imports are loaded with the network, so that code which is exported with a network contains them
        self.kind.transform(strengths, torch.zeros(1, 1, TRIED, TRIED), _generator(0), False)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) as the trunk gets them in training, or in the first draw of eval mode."""
        if self.training:
            return self.kind.transform(self.strengths, images, None, True) if self.in_training else images
        return self.kind.transform(self.strengths, images, _generator(0), False)

    def features(self, trunk: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        """The trunk's features (N, F) of transformed images (N, C, H, W)."""
        if self.training:
            return trunk(self(images))
        parts = [
            trunk(self.kind.transform(self.strengths, images, _generator(draw), False)) for draw in range(self.draws)
        ]
        return torch.stack(parts).mean(0)


def _generator(draw: int) -> torch.Generator:
    return torch.Generator().manual_seed(DRAWS_SEED + draw)
