"""A picture of the attributions of a few test images, the same in every arm of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.adversarial_training.analysis import EXPLANATIONS, TestedBatch
from trainables.evaluation.analysis import Analysis, Findings
from trainables.interpretability.attributions import METHODS

if TYPE_CHECKING:
    from torch import Tensor

SHOWN = 8
BRIGHTEST = 0.99
"""The quantile of a map's sizes that is drawn white."""
TITLE = "attributions of test images"


def measure(batch: TestedBatch) -> Findings:
    """A row of each of the first images: the image, |map| of every method, and the mask, where there is one."""
    from trainables.pictures import columns

    explained = batch.explained
    if explained.first or not len(explained.images):
        return Findings()
    shown = [explained.images[:SHOWN].cpu(), *(_stretched(maps[:SHOWN]) for maps in explained.maps.values())]
    heads = ["image", *(METHODS[method].short for method in explained.maps)]
    if explained.masks is not None:
        shown.append(explained.masks[:SHOWN, None].cpu().float())
        heads.append("mask")
    return Findings(images={TITLE: columns(shown, heads)})


def _stretched(maps: Tensor) -> Tensor:
    """Sizes (N, 1, H, W) from 0 to 1 over each map's own range."""
    sizes = maps.abs().cpu()
    largest = sizes.flatten(1).quantile(BRIGHTEST, dim=1).clamp(min=1e-12)
    return (sizes / largest[:, None, None]).clamp(0, 1)[:, None]


EXPLANATION_GALLERY = Analysis(
    name="explanation_gallery",
    says="pictures of attributions (S2)",
    metrics={},
    measure=measure,
    needs=frozenset({EXPLANATIONS}),
)
