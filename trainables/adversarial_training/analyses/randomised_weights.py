"""Whether attributions show what was learnt (S2): how similar they are to those of a network with random weights.

A method whose maps hardly change shows the image's edges, not the network (Adebayo et al., 2018). All weights are drawn
again together; maps are for the classes that the trained network explains.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.analysis import EXPLANATIONS, NETWORK, TestedBatch
from trainables.adversarial_training.explanations import by_method, map_passes, means, metrics_by_method
from trainables.contract import Metric
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor


def measure(batch: TestedBatch) -> Findings:
    """Spearman's correlation of the two maps of each image; NaN if one is the same everywhere."""
    from trainables.interpretability.attributions import attribute
    from trainables.interpretability.quality.randomised import randomised
    from trainables.interpretability.quality.rank_correlation import spearman

    explained = batch.explained
    fresh = randomised(explained.network, explained.seed)

    def of_method(method: str, maps: Tensor) -> Mapping[str, Tensor]:
        others = attribute(method, fresh, explained.images, explained.classes, seed=explained.seed)
        return {"randomised_similarity": spearman(maps, others)}

    return by_method(explained, of_method)


def summarise(config: Any, arrays: Mapping[str, Tensor]) -> Findings:
    """Means over images."""
    return Findings(means(arrays), arrays={**arrays})


def cost(config: Any, tested: int) -> Mapping[str, float]:
    """A map of each image from the other network."""
    return {NETWORK: map_passes(config, tested, 1)}


RANDOMISED_WEIGHTS = Analysis(
    name="randomised_weights",
    says="similarity of attributions to those of the network with random weights (S2)",
    metrics=metrics_by_method({"randomised_similarity": Metric("minimize", low=-1.0, high=1.0)}),
    measure=measure,
    summarise=summarise,
    needs=frozenset({EXPLANATIONS}),
    cost=cost,
)
