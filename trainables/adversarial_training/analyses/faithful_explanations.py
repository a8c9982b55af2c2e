"""How relevant attributions are by what the network does (S2), for correctly classified images.

Pixels are deleted and inserted in the order of a map, and removed as ROAD does; every gain is relative to random orders
of the same network, because a robust one changes its answers less for any removed pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.analysis import EXPLANATIONS, NETWORK, TestedBatch
from trainables.adversarial_training.explanations import by_method, means, metrics_by_method
from trainables.contract import Metric
from trainables.evaluation.analysis import Analysis, Findings
from trainables.interpretability.quality.counts import RANDOM_ORDERS, SHARES, STEPS

if TYPE_CHECKING:
    from torch import Tensor

ROAD, ROAD_RANDOM = "road.", "road_random"
GAINS = ("deletion_gain", "insertion_gain", "road_gain")


def measure(batch: TestedBatch) -> Findings:
    """The gains of each map by deletion and insertion, its accuracy by ROAD, and that of random orders."""
    from trainables.interpretability.quality.imputation import random_road, road
    from trainables.interpretability.quality.removal import deletion_gain, insertion_gain, random_areas

    right = batch.explained.chosen(batch.explained.right)

    def probability(images: Tensor) -> Tensor:
        return right.logits(images).softmax(1).gather(1, right.classes[:, None])[:, 0]

    def unchanged(images: Tensor) -> Tensor:
        return right.logits(images).argmax(1) == right.classes

    deleted, inserted = random_areas(probability, right.images, right.seed)

    def of_method(_: str, maps: Tensor) -> Mapping[str, Tensor]:
        return {
            "deletion_gain": deletion_gain(probability, right.images, maps, deleted),
            "insertion_gain": insertion_gain(probability, right.images, maps, inserted),
            "road": road(unchanged, right.images, maps, right.seed),
        }

    findings = by_method(right, of_method)
    findings.arrays[ROAD_RANDOM] = random_road(unchanged, right.images, right.seed).cpu()
    return findings


def summarise(config: Any, arrays: Mapping[str, Tensor]) -> Findings:
    """Means over images; ROAD's accuracies relative to that of random orders, over all images together."""
    from trainables.interpretability.quality.imputation import road_gain

    averages = means(arrays)
    roads = {name: value for name, value in averages.items() if name.startswith(ROAD)}
    gains = {
        f"road_gain.{name.removeprefix(ROAD)}": road_gain(value, averages[ROAD_RANDOM]) for name, value in roads.items()
    }
    others = {name: value for name, value in averages.items() if name not in roads and name != ROAD_RANDOM}
    return Findings(others | gains, arrays={**arrays})


def cost(config: Any, tested: int) -> Mapping[str, float]:
    """Forward passes alone."""
    curves = len(config.attributions) + RANDOM_ORDERS
    return {NETWORK: min(tested, config.explained_images) * curves * (2.0 * (1 + STEPS) + len(SHARES))}


FAITHFUL_EXPLANATIONS = Analysis(
    name="faithful_explanations",
    says="effect of deleting, inserting and imputing pixels in an attribution's order, relative to random orders (S2)",
    metrics=metrics_by_method(dict.fromkeys(GAINS, Metric("maximize"))),
    measure=measure,
    summarise=summarise,
    needs=frozenset({EXPLANATIONS}),
    cost=cost,
)
