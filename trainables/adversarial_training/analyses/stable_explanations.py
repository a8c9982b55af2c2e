"""How stable attributions are (S2): what noise of a fixed radius does to them, for correctly classified images.

Some maps are nearly zero, and the relative stabilities spread over orders of magnitude, so that medians are taken. The
explained class stays that of the image without noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.analysis import EXPLANATIONS, NETWORK, TestedBatch
from trainables.adversarial_training.explanations import by_method, map_passes, medians, metrics_by_method
from trainables.contract import Metric
from trainables.evaluation.analysis import Analysis, Findings
from trainables.interpretability.quality.counts import DRAWS

if TYPE_CHECKING:
    from torch import Tensor

SENSITIVITIES, RELATIVE = (
    ("max_sensitivity", "avg_sensitivity"),
    ("relative_input_stability", "relative_output_stability"),
)


def measure(batch: TestedBatch) -> Findings:
    """The four of each map."""
    from trainables.interpretability.quality.stability import stability

    explained = batch.explained
    steady = explained.chosen(explained.right)
    radius = batch.config.sensitivity_radius

    def of_method(method: str, maps: Tensor) -> Mapping[str, Tensor]:
        stabilities = stability(
            lambda images: steady.explain(method, images, steady.classes),
            steady.logits, steady.images, maps, radius, seed=steady.seed, draws=DRAWS,
        )  # fmt: skip
        values = (stabilities.largest, stabilities.average, stabilities.relative_input, stabilities.relative_output)
        return dict(zip((*SENSITIVITIES, *RELATIVE), values, strict=True))

    return by_method(steady, of_method)


def summarise(config: Any, arrays: Mapping[str, Tensor]) -> Findings:
    """Medians over images."""
    return Findings(medians(arrays), arrays={**arrays})


def cost(config: Any, tested: int) -> Mapping[str, float]:
    """A map of each perturbed image, and one more of the image itself."""
    return {NETWORK: map_passes(config, tested, 1 + DRAWS)}


STABLE_EXPLANATIONS = Analysis(
    name="stable_explanations",
    says="how much attributions change under noise of a fixed radius (S2)",
    metrics=metrics_by_method(
        {name: Metric("minimize", low=0.0) for name in SENSITIVITIES}
        | {name: Metric("minimize", low=0.0, scale="log") for name in RELATIVE}
    ),
    measure=measure,
    summarise=summarise,
    needs=frozenset({EXPLANATIONS}),
    cost=cost,
)
