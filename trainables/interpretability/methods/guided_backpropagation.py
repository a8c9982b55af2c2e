"""The gradient where every ReLU passes back positive values only (Springenberg et al., 2015)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from trainables.interpretability.attribution_method import AttributionMethod, Decisions

if TYPE_CHECKING:
    from torch import Tensor, nn


def attribute(decisions: Decisions) -> Tensor:
    """The guided gradient, (N, C, H, W); it depends on the weights less than it seems to (Adebayo et al., 2018)."""
    from captum.attr import GuidedBackprop

    with warnings.catch_warnings():  # Captum warns at every call that it overrides the gradients of ReLUs
        warnings.simplefilter("ignore", UserWarning)
        attributed: Tensor = GuidedBackprop(decisions.network).attribute(decisions.images, decisions.classes)
    return attributed


def refusal(network: nn.Module, image: Tensor) -> str:
    """Captum hooks modules: ReLUs that a network calls as functions would pass everything back."""
    from trainables.interpretability.relus import count_relus

    modules, functions = count_relus(network, image)
    if not modules + functions:
        return "the network has no ReLU"
    if functions:
        return (
            f"{functions} of the network's {modules + functions} ReLUs are functions, which Captum can't hook; "
            "make them nn.ReLU modules"
        )
    return ""


GUIDED_BACKPROPAGATION = AttributionMethod(
    "guided_backpropagation",
    "guided",
    "the gradient through positive ReLUs alone (Springenberg et al., 2015)",
    attribute,
    refusal=refusal,
)
