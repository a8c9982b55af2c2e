"""Base of all generators: from an image to its counterfactual and its class (S1, 3.1.1)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainables.models.generators.dropout import SamplingDropout
from trainables.models.generators.weighted_pooling import ClassBranch
from trainables.randomness import BatchPart


class Generated(NamedTuple):
    """The outputs of a generator for images (N, C, H, W) in [0, 1]."""

    images: Tensor
    """Counterfactuals (N, C, H, W) in [0, 1]."""
    logits: Tensor
    """(N, 2), the class branch's logits of the input images."""
    commitment: Tensor
    """(), vector quantisation's loss, 0 without it."""
    perplexity: Tensor
    """(), the perplexity of the codes, 0 without vector quantisation."""


class Decoded(NamedTuple):
    """A decoder's features."""

    blocks: list[Tensor]
    """(N, C_i, H_i, W_i) of every block, innermost first."""
    commitment: Tensor
    perplexity: Tensor


class Generator(nn.Module):
    """An encoder and a decoder that a subclass defines in `decode`, an image head, and a class branch.

    Noise and dropout come from torch's global generator of the device. A `residual` generator adds its head's output to
    the image, between -1 and 1, and changes almost nothing at the start; another one paints the whole image. A subclass
    calls `make_heads` once its layers are made.
    """

    part: BatchPart | None = None
    """The part of a batch that ranks share; see `share_draws`."""
    residual: bool
    head: nn.Conv2d
    branch: ClassBranch

    def make_heads(self, blocks: list[int], images: int, residual: bool) -> None:
        """Add image head and class branch; `blocks` are the channels of decoder blocks, `images` those of images."""
        self.residual = residual
        self.head = nn.Conv2d(blocks[-1], images, kernel_size=3, padding=1)
        if residual:
            nn.init.normal_(self.head.weight, std=0.01 * (9 * blocks[-1]) ** -0.5)
            nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]
        self.branch = ClassBranch(blocks, hidden=4 * blocks[-1])

    def decode(self, images: Tensor) -> Decoded:
        """The features of every decoder block."""
        raise NotImplementedError(f"{type(self).__name__} has no decoder")

    def forward(self, images: Tensor) -> Generated:
        """Counterfactuals and class logits of images (N, C, H, W) in [0, 1]."""
        decoded = self.decode(images)
        painted = self.head(decoded.blocks[-1])
        generated = (images + torch.tanh(painted)).clamp(0, 1) if self.residual else torch.sigmoid(painted)
        return Generated(generated, self.branch(decoded.blocks), decoded.commitment, decoded.perplexity)

    def classify(self, images: Tensor) -> Tensor:
        """Logits (N, 2) of the class branch alone: those of `forward`, where the generators' states are the same."""
        return self.branch(self.decode(images).blocks)  # type: ignore[no-any-return]

    def share_draws(self, part: BatchPart | None) -> None:
        """From now on draw noise and dropout for the whole batch of which images are a `part`, as one worker would.

        All ranks then need one stream of random numbers.
        """
        self.part = part
        for module in self.modules():
            if isinstance(module, SamplingDropout):
                module.part = part

    @property
    def dropout_when_sampling(self) -> bool:
        """Whether dropout is also on in eval mode, as in pix2pix; may be set."""
        return any(module.when_sampling for module in self.modules() if isinstance(module, SamplingDropout))

    @dropout_when_sampling.setter
    def dropout_when_sampling(self, on: bool) -> None:
        for module in self.modules():
            if isinstance(module, SamplingDropout):
                module.when_sampling = on
