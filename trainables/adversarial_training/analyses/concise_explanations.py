"""How concise attributions are (S2): on how few pixels they rest, for correctly classified images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.analysis import EXPLANATIONS, TestedBatch
from trainables.adversarial_training.explanations import by_method, means, metrics_by_method
from trainables.contract import Metric
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor


def measure(batch: TestedBatch) -> Findings:
    """Sparseness and complexity of each map."""
    from trainables.interpretability.quality.conciseness import complexity, sparseness

    right = batch.explained.right
    return by_method(
        batch.explained,
        lambda _, maps: {"sparseness": sparseness(maps[right]), "complexity": complexity(maps[right])},
    )


def summarise(config: Any, arrays: Mapping[str, Tensor]) -> Findings:
    """Means over images."""
    return Findings(means(arrays), arrays={**arrays})


CONCISE_EXPLANATIONS = Analysis(
    name="concise_explanations",
    says="how few pixels attributions rest on (S2)",
    metrics=metrics_by_method(
        {
            "sparseness": Metric("maximize", low=0.0, high=1.0),
            "complexity": Metric("minimize", unit="nats", low=0.0),
        }
    ),
    measure=measure,
    summarise=summarise,
    needs=frozenset({EXPLANATIONS}),
)
