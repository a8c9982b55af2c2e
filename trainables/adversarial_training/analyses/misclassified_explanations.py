"""Whether explanations of wrong answers mislead (S2: "misleading but plausible interpretations").

An explanation is plausible if it is as concise as that of a right answer and falls on the masked area; it misleads
if it does so for a wrong answer, and if that of the true class looks the same.
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

RIGHT, SPARSENESS, RANK, SIMILARITY = "right", "all_sparseness", "misclassified_mask_rank", "misclassified_similarity"
GAP, COUNT = "misclassified_sparseness_gap", "misclassified_images"


def measure(batch: TestedBatch) -> Findings:
    """Each map's sparseness; for misclassified images also where it falls, and how similar the true class's map is."""
    import torch

    from trainables.interpretability.quality.conciseness import sparseness
    from trainables.interpretability.quality.localisation import mask_rank
    from trainables.interpretability.quality.rank_correlation import spearman

    explained = batch.explained
    wrong = ~explained.right
    misled = explained.chosen(wrong)

    def of_method(method: str, maps: Tensor) -> Mapping[str, Tensor]:
        of_label = explained.explain(method, misled.images, misled.labels)
        of_answer = explained.explain(method, misled.images, misled.predicted)
        similarity = torch.full((len(maps),), torch.nan, dtype=torch.float64, device=maps.device)
        similarity[wrong] = spearman(of_answer, of_label)
        values = {SPARSENESS: sparseness(maps), SIMILARITY: similarity}
        if misled.masks is not None:
            ranks = torch.full_like(similarity, torch.nan)
            ranks[wrong] = mask_rank(of_answer, misled.masks)
            values[RANK] = ranks
        return values

    findings = by_method(explained, of_method)
    findings.arrays["explained_right"] = explained.right.cpu()
    return findings


def summarise(config: Any, arrays: Mapping[str, Tensor]) -> Findings:
    """How much sparser right answers' maps are than wrong ones', and means over misclassified images."""
    right = arrays["explained_right"]
    sparse = {name: values for name, values in arrays.items() if name.startswith(SPARSENESS)}
    others = {name: values for name, values in arrays.items() if name.startswith((RANK, SIMILARITY))}
    metrics = means(others) | {COUNT: float((~right).sum())}
    if bool(right.any()) and not bool(right.all()):
        metrics |= {
            f"{GAP}.{name.removeprefix(SPARSENESS + '.')}": float(values[right].mean() - values[~right].mean())
            for name, values in sparse.items()
        }
    return Findings(metrics, arrays={**others, "explained_right": right})


MISCLASSIFIED_EXPLANATIONS = Analysis(
    name="misclassified_explanations",
    says="whether explanations of wrong answers look like those of right ones (S2)",
    metrics=metrics_by_method(
        {
            GAP: Metric("maximize", low=-1.0, high=1.0),
            SIMILARITY: Metric("minimize", low=-1.0, high=1.0),
            RANK: Metric("maximize", unit="fraction"),
        }
    )
    | {COUNT: Metric("minimize", low=0.0)},
    measure=measure,
    summarise=summarise,
    needs=frozenset({EXPLANATIONS}),
)
