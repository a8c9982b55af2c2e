"""The mean gradient over noisy copies of the image (Smilkov et al., 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.interpretability.attribution_method import AttributionMethod, Decisions

if TYPE_CHECKING:
    from torch import Tensor

DRAWS = 16
SIGMA = 0.15
"""Standard deviation of the noise on [0, 1] pixels; the paper finds 10 to 20 % of their range best."""


def attribute(decisions: Decisions) -> Tensor:
    """The mean of ∂ logit / ∂ x over `DRAWS` Gaussian perturbations, (N, C, H, W), with its sign."""
    import torch
    from captum.attr import Saliency

    from trainables.randomness import stream

    images, captum = decisions.images, Saliency(decisions.network)
    generator = stream(decisions.seed, "smoothgrad")
    total = torch.zeros_like(images)
    for _ in range(DRAWS):
        noise = SIGMA * torch.randn(images.shape[1:], generator=generator).to(images)
        total += captum.attribute(images + noise, decisions.classes, abs=False)
    return total / DRAWS


SMOOTHGRAD = AttributionMethod(
    "smoothgrad",
    "smooth",
    "the mean gradient over noisy copies (Smilkov et al., 2017)",
    attribute,
    passes=float(DRAWS),
)
