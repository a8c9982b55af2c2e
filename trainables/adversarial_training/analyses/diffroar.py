"""DiffROAR (Shah et al., 2021): whether an attribution's first pixels tell more about the class than its last.

Two networks are retrained for each method, on a share of the pixels of every image, once the first in the map's
order and once the last; the difference of their accuracies is positive where the map marks what can be learnt from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.analysis import RETRAINED, TestedBatch
from trainables.adversarial_training.explanations import means, metrics_by_method
from trainables.contract import Metric
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor

NAMES = {"top": "diffroar_top", "bottom": "diffroar_bottom"}


def measure(batch: TestedBatch) -> Findings:
    """Which images either network classifies correctly, for every method."""
    arrays = {}
    for name, right in batch.retrained.items():
        side, _, method = name.partition(".")
        arrays[f"{NAMES[side]}.{method}"] = right.double().cpu()
    return Findings(arrays=arrays)


def summarise(config: Any, arrays: Mapping[str, Tensor]) -> Findings:
    """Both accuracies, and how much the first exceeds the second."""
    metrics = means(arrays)
    for method in config.attributions:
        metrics[f"diffroar.{method}"] = metrics[f"diffroar_top.{method}"] - metrics[f"diffroar_bottom.{method}"]
    return Findings(metrics, arrays={**arrays})


DIFFROAR = Analysis(
    name="diffroar",
    says="whether networks learn more from an attribution's first pixels than from its last (Shah et al., 2021)",
    metrics=metrics_by_method(
        {
            "diffroar": Metric("maximize", unit="fraction", low=-1.0),
            "diffroar_top": Metric("maximize", unit="fraction"),
            "diffroar_bottom": Metric("minimize", unit="fraction"),
        }
    ),
    measure=measure,
    summarise=summarise,
    needs=frozenset({RETRAINED}),
)
