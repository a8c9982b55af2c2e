"""Each pixel times the gradient of the class's logit by it (Shrikumar et al., 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.interpretability.attribution_method import AttributionMethod, Decisions

if TYPE_CHECKING:
    from torch import Tensor


def attribute(decisions: Decisions) -> Tensor:
    """x · ∂ logit / ∂ x, (N, C, H, W); black pixels have none."""
    from captum.attr import InputXGradient

    attributed: Tensor = InputXGradient(decisions.network).attribute(decisions.images, decisions.classes)
    return attributed


INPUT_X_GRADIENT = AttributionMethod(
    "input_x_gradient", "x · grad.", "each pixel times its gradient (Shrikumar et al., 2017)", attribute
)
