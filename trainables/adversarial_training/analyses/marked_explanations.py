"""How relevant attributions of correctly classified images are: whether they fall on the marked area (S2).

On data without masks nothing is reported; `faithful_explanations` needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.analysis import EXPLANATIONS, TestedBatch
from trainables.adversarial_training.explanations import by_method, means, metrics_by_method
from trainables.contract import Metric
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor

MASK_SHARE = "mask_share"
"""The value of all three scores for a map without any information."""


def measure(batch: TestedBatch) -> Findings:
    """The three scores of each map, NaN if nothing is marked, and the share of marked pixels."""
    from trainables.interpretability.quality.localisation import mask_mass, mask_rank, mask_share, pointing_game

    right = batch.explained.chosen(batch.explained.right)
    masks = right.masks
    if masks is None:
        return Findings()
    scores = {"mask_rank": mask_rank, "mask_mass": mask_mass, "pointing_game": pointing_game}
    findings = by_method(right, lambda _, maps: {name: score(maps, masks) for name, score in scores.items()})
    findings.arrays[MASK_SHARE] = mask_share(masks).cpu()
    return findings


def summarise(config: Any, arrays: Mapping[str, Tensor]) -> Findings:
    """Means over images with a mask."""
    return Findings(means(arrays), arrays={**arrays})


SHARE = Metric("maximize", unit="fraction")

MARKED_EXPLANATIONS = Analysis(
    name="marked_explanations",
    says="whether attributions fall on the masked area (S2); nothing without masks",
    metrics=metrics_by_method(dict.fromkeys(("mask_rank", "mask_mass", "pointing_game"), SHARE)) | {MASK_SHARE: SHARE},
    measure=measure,
    summarise=summarise,
    needs=frozenset({EXPLANATIONS}),
)
