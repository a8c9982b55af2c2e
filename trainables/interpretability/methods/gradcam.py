"""GradCAM (Selvaraju et al., 2017) of the last stage of convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.interpretability.attribution_method import AttributionMethod, Decisions

if TYPE_CHECKING:
    from torch import Tensor, nn


def attribute(decisions: Decisions) -> Tensor:
    """Maps (N, 1, H, W), 0 and above, enlarged bilinearly."""
    from trainables.interpretability.gradcam import gradcam
    from trainables.interpretability.stages import last_stage

    stage = last_stage(decisions.network, decisions.images[:1])
    assert stage is not None, "networks without one are refused"
    maps = gradcam(decisions.network, stage, decisions.images, decisions.classes, batch=len(decisions.images))
    return maps[:, None]


def refusal(network: nn.Module, image: Tensor) -> str:
    """Without a convolution there are no maps to explain."""
    from trainables.interpretability.stages import last_stage

    return "" if last_stage(network, image) is not None else "the network has no convolution with maps as its output"


GRADCAM = AttributionMethod(
    "gradcam",
    "GradCAM",
    "areas of the last feature maps that support the class (Selvaraju et al., 2017)",
    attribute,
    refusal=refusal,
)
