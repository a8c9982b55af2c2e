"""Gradients integrated along the path from a black image (Sundararajan et al., 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.interpretability.attribution_method import AttributionMethod, Decisions

if TYPE_CHECKING:
    from torch import Tensor

STEPS = 32
"""Points of the Gauss-Legendre rule; the paper takes 20 to 300."""


def attribute(decisions: Decisions) -> Tensor:
    """Shares (N, C, H, W) that sum to the image's logit minus that of the black image, except for the rule's error."""
    from captum.attr import IntegratedGradients

    attributed: Tensor = IntegratedGradients(decisions.network).attribute(
        decisions.images, 0.0, decisions.classes, n_steps=STEPS, method="gausslegendre"
    )
    return attributed


INTEGRATED_GRADIENTS = AttributionMethod(
    "integrated_gradients",
    "integrated",
    "gradients along the path from a black image (Sundararajan et al., 2017)",
    attribute,
    passes=float(STEPS),
)
