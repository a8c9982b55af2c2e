"""A network's outputs for many images within a limit of memory: part by part."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from trainables.attacks.problem import HeadsOf


def in_parts(heads_of: HeadsOf, at_once: int) -> HeadsOf:
    """The same function, which keeps the graph of no more than `at_once` images at a time for gradients of the images.

    More images go through it in parts, and a gradient recomputes each part (Chen et al., 2016): one more forward pass,
    and the same outputs except for the order of additions. `heads_of` must treat each image by itself and draw nothing
    from a global generator.
    """

    def answer(images: Tensor) -> Sequence[Tensor]:
        if len(images) <= at_once:
            return heads_of(images)
        with_gradient = torch.is_grad_enabled() and images.requires_grad
        parts = [
            _forgetting(heads_of, part) if with_gradient else heads_of(part) for part in torch.split(images, at_once)
        ]
        return [torch.cat(heads) for heads in zip(*parts, strict=True)]

    return answer


def _forgetting(heads_of: HeadsOf, images: Tensor) -> Sequence[Tensor]:
    answers: Sequence[Tensor] = checkpoint(heads_of, images, use_reentrant=False, preserve_rng_state=False)
    return answers
