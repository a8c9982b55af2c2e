"""Accuracy on test images under fifteen C-style corruptions of five severities; see `trainables.datasets.corruptions`.

It is not CIFAR-10-C: the constants are, the images are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.analysis import CORRUPTED, MOST_ANALYSED, NETWORK, TestedBatch
from trainables.contract import Metric
from trainables.datasets.corruptions.constants import CORRUPTIONS, SEVERITIES
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor

KIND, SEVERITY = "corruption_accuracy", "severity_accuracy"


def measure(batch: TestedBatch) -> Findings:
    """Which images are classified correctly under each corruption, (B, severities) bool by its name."""
    import torch

    right: dict[str, list[Tensor]] = {}
    for name, _, images in batch.corrupted:
        with torch.no_grad():
            answers = batch.model(images.to(batch.images.device))[0].argmax(1)
        right.setdefault(name, []).append(answers == batch.labels[:, 0])
    return Findings(arrays={name: torch.stack(each, 1) for name, each in right.items()})


def summarise(config: Any, arrays: Mapping[str, Tensor]) -> Findings:
    """The accuracy under each corruption, over severities; at each severity, over corruptions; and over all."""
    import torch

    table = torch.stack([right.double().mean(0) for right in arrays.values()])  # corruptions × severities
    metrics = {f"{KIND}.{name}": float(row.mean()) for name, row in zip(arrays, table, strict=True)}
    metrics |= {f"{SEVERITY}.{number}": float(column.mean()) for number, column in enumerate(table.T, start=1)}
    return Findings(metrics | {f"{KIND}.mean": float(table.mean())})


def cost(config: Any, tested: int) -> Mapping[str, float]:
    """A forward pass for each corruption and severity."""
    return {NETWORK: float(min(tested, MOST_ANALYSED) * len(CORRUPTIONS) * SEVERITIES)}


def declared() -> dict[str, Metric]:
    """All metrics, the corruptions in the order of their table."""
    accuracy = partial(Metric, "maximize", unit="fraction", clean="test/clean_accuracy")
    return {
        f"{KIND}.mean": accuracy(label="mean over corruptions"),
        **{
            f"{KIND}.{corruption.name}": accuracy(
                role="corruption", label=corruption.label or corruption.name.replace("_", " ")
            )
            for corruption in CORRUPTIONS.values()
        },
        **{f"{SEVERITY}.{number}": accuracy(label=f"severity {number}") for number in range(1, SEVERITIES + 1)},
    }


CORRUPTIONS_ANALYSIS = Analysis(
    name="corruptions",
    says="accuracy under 15 C-style corruptions (Hendrycks and Dietterich, 2019; frost is drawn) of 5 severities",
    metrics=declared(),
    measure=measure,
    summarise=summarise,
    needs=frozenset({CORRUPTED}),
    cost=cost,
)
