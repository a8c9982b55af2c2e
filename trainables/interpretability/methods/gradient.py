"""The gradient of the class's logit with respect to the pixels (Simonyan et al., 2014)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.interpretability.attribution_method import AttributionMethod, Decisions

if TYPE_CHECKING:
    from torch import Tensor


def attribute(decisions: Decisions) -> Tensor:
    """∂ logit / ∂ x, (N, C, H, W), with its sign."""
    from captum.attr import Saliency

    attributed: Tensor = Saliency(decisions.network).attribute(decisions.images, decisions.classes, abs=False)
    return attributed


GRADIENT = AttributionMethod(
    "gradient",
    "gradient",
    "gradient of the class's logit with respect to the pixels (Simonyan et al., 2014)",
    attribute,
)
