"""G's changes as attributions (S2): how concise and stable they are, and whether they are on the damage.

S1's map |G(x) - x| explains why an image is not of the other class. The names of the scores are those that
`adversarial_training` reports of its attributions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainables.contract import Metric
from trainables.counterfactual_gan.trained_gan import TrainedGAN
from trainables.evaluation.analysis import Analysis, Findings
from trainables.interpretability.quality.counts import DRAWS

if TYPE_CHECKING:
    from torch import Tensor

METHOD = "difference"
RADIUS = 0.02
"""How far pixels are moved, L∞, to test whether a map is stable."""
MOST = 200
"""Test images that are analysed, the first of an order that keeps the classes' proportions."""
DAMAGED = 1


def measure(tested: TrainedGAN) -> Findings:
    """Conciseness and stability of each map, and on damaged images with a mask how much of it is there."""
    from trainables.evaluation.masks import regions
    from trainables.interpretability.difference import difference
    from trainables.interpretability.quality.conciseness import complexity, sparseness
    from trainables.interpretability.quality.localisation import mask_mass, mask_rank, pointing_game
    from trainables.interpretability.quality.stability import perturbed

    test = tested.data.test
    images, draws = test.pixels[:MOST], tested.config.draws

    def explain(pixels: Tensor) -> Tensor:
        return difference(lambda some: tested.model.generator(some).images, pixels, draws=draws)

    maps = explain(images)
    size = maps.flatten(1).norm(dim=1).clamp(min=1e-12)
    changes = [(explain(noisy) - maps).flatten(1).norm(dim=1) / size for noisy in perturbed(images, RADIUS, 0, DRAWS)]
    largest, average = _extremes(changes)
    metrics = {
        "sparseness": float(sparseness(maps).mean()),
        "complexity": float(complexity(maps).mean()),
        "max_sensitivity": float(largest.quantile(0.5)),
        "avg_sensitivity": float(average.quantile(0.5)),
    }
    if test.masks is not None:
        marked = regions(test.masks[:MOST]).positive.to(maps.device)
        which = (test.labels[:MOST].to(maps.device) == DAMAGED) & marked.flatten(1).any(1)
        if bool(which.any()):
            scores = {"mask_rank": mask_rank, "mask_mass": mask_mass, "pointing_game": pointing_game}
            metrics |= {name: float(score(maps[which], marked[which]).mean()) for name, score in scores.items()}
    return Findings({f"{name}.{METHOD}": value for name, value in metrics.items()})


def _extremes(changes: list[Tensor]) -> tuple[Tensor, Tensor]:
    import torch

    every = torch.stack(changes)
    return every.amax(0), every.mean(0)


def cost(config: Any, tested: int) -> Mapping[str, float]:
    """Passes of G: of each image and its perturbations, as often as maps are drawn."""
    return {"generator": float(min(tested, MOST) * config.draws * (1 + DRAWS))}


def declared() -> dict[str, Metric]:
    """All metrics."""
    share, change = Metric("maximize", unit="fraction"), Metric("minimize", low=0.0)
    metrics = {
        "sparseness": Metric("maximize", low=0.0, high=1.0),
        "complexity": Metric("minimize", unit="nats", low=0.0),
        "max_sensitivity": change,
        "avg_sensitivity": change,
        **dict.fromkeys(("mask_rank", "mask_mass", "pointing_game"), share),
    }
    return {f"{name}.{METHOD}": metric for name, metric in metrics.items()}


COUNTERFACTUAL_MAPS = Analysis(
    name="counterfactual_maps",
    says="how concise and stable G's changes are, and whether they fall on the damage (S2)",
    metrics=declared(),
    measure=measure,
    cost=cost,
)
