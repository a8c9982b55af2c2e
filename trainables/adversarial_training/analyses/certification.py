"""Certified radii of the smoothed classifier around a network (randomised smoothing: Cohen et al., 2019).

The smoothed classifier answers with the class that the network gives most often to an image with normal noise. Its
answer is certain within an L2 radius, which is reported apart from accuracies under attacks: these are of the network
itself, without noise, and within an L∞ radius. An L2 radius R contains the L∞ ball of R / √d for d pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.analysis import NETWORK, TestedBatch
from trainables.contract import Metric
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor

RADII = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
"""L2 radii on pixels in [0, 1] at which certified accuracy is reported, as in Cohen et al."""

CHOOSING_DRAWS = 100
"""Noisy copies that choose the class; further copies then estimate its probability, as in Cohen et al."""


def sigma_of(config: Any) -> float:
    """The standard deviation of the smoothing noise: that of training unless another is given."""
    return float(config.noise_sigma if config.certification_sigma is None else config.certification_sigma)


def measure(batch: TestedBatch) -> Findings:
    """The smoothed class of each image and its radius, (B,); class -1: abstained, radius NaN: not certified."""
    import torch

    from trainables.adversarial_training.evaluation.certificates import certify

    config = batch.config
    wanted = max(0, min(len(batch.images), config.certification_images - batch.first))
    classes = torch.full((len(batch.images),), -1, dtype=torch.int64)
    radii = torch.full((len(batch.images),), torch.nan, dtype=torch.float64)
    for place in range(wanted):
        certificate = certify(
            lambda images: batch.model(images)[0],
            batch.images[place],
            sigma_of(config),
            choosing=CHOOSING_DRAWS,
            counting=config.certification_draws,
            alpha=config.certification_alpha,
            number=batch.first + place,
        )
        classes[place], radii[place] = certificate.label, certificate.radius
    right = classes == batch.labels[:, 0].cpu()
    return Findings(arrays={"smoothed_class": classes, "certified_radius": radii, "smoothed_right": right})


def summarise(config: Any, measured: Mapping[str, Tensor]) -> Findings:
    """Certified accuracies, the mean radius of the right images, and the share of abstentions."""
    looked_at = ~measured["certified_radius"].isnan()
    radii, right = measured["certified_radius"][looked_at], measured["smoothed_right"][looked_at]
    count = max(1, int(looked_at.sum()))
    metrics = {radius_metric(radius): int((right & (radii >= radius)).sum()) / count for radius in RADII}
    metrics["certified_radius"] = float(radii[right].mean()) if right.any() else 0.0
    metrics["abstentions"] = int((measured["smoothed_class"][looked_at] < 0).sum()) / count
    metrics["certified_images"] = float(int(looked_at.sum()))
    return Findings(
        metrics, {"certified_radius": measured["certified_radius"], "smoothed_class": measured["smoothed_class"]}
    )


def cost(config: Any, tested: int) -> Mapping[str, float]:
    """A forward pass for each noisy copy."""
    draws = CHOOSING_DRAWS + config.certification_draws
    return {NETWORK: float(min(tested, config.certification_images) * draws)}


def radius_metric(radius: float) -> str:
    """The metric of the certified accuracy at an L2 radius."""
    return f"certified_accuracy.l2_{radius:g}"


def declared() -> dict[str, Metric]:
    """All metrics; none has the role of a robust accuracy, whose worst case is over attacks."""
    accuracies = {
        radius_metric(radius): Metric("maximize", unit="fraction", label=f"certified accuracy at L2 {radius:g}")
        for radius in RADII
    }
    return {
        **accuracies,
        "certified_radius": Metric(
            "maximize", low=0.0, label="mean certified L2 radius of correctly classified images"
        ),
        "abstentions": Metric("minimize", unit="fraction"),
        "certified_images": Metric("maximize", low=0.0, shown=False),
    }


CERTIFICATION = Analysis(
    name="certification",
    says="the L2 radius within which the network smoothed by noise is certain (Cohen et al., 2019)",
    metrics=declared(),
    measure=measure,
    summarise=summarise,
    cost=cost,
)
