"""Which head each perturbation misleads: the claim of S3's Table 1, as a table of accuracies.

"MTA misleads the auxiliary tasks a little more and the main task less than STA" reads: head 1 is less accurate under
`mta` than under `eta0`, and head 0 more.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.analysis import MOST_TASKS, PERTURBATIONS, PerturbedBatch, TestedBatch
from trainables.contract import Metric
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor, nn

RIGHT, SIZE = "right.", "perturbation_size."


def perturbation_names(tasks: int) -> list[str]:
    """What misleads the heads, with `tasks` auxiliary ones."""
    return [f"eta{task}" for task in range(1 + tasks)] + ["mp", "mta"]


def measure_heads(model: nn.Module, batch: PerturbedBatch) -> dict[str, Tensor]:
    """Whether each head is right on an image, clean and under each perturbation, (B,) bool; mean |η| of each, (B,)."""
    import torch

    etas = {f"eta{m}": eta for m, eta in enumerate(batch.etas)} | {"mp": batch.mp, "mta": batch.mta}
    arrays: dict[str, Tensor] = {}
    for name, eta in {"clean": torch.zeros_like(batch.images), **etas}.items():
        with torch.no_grad():
            logits = model(batch.images + eta)
        for head, answers in enumerate(logits):
            arrays[f"{RIGHT}head{head}.under_{name}"] = answers.argmax(1) == batch.labels[:, head]
    for name, eta in etas.items():
        arrays[f"{SIZE}{name}"] = eta.abs().flatten(1).to(torch.float64).mean(1)
    return arrays


def summarise_heads(arrays: Mapping[str, Tensor], epsilon: float) -> dict[str, float]:
    """`accuracy.head1.under_eta0` and so on; sizes are mean |η| / ε, at most 1."""
    import torch

    metrics = {}
    for name, values in arrays.items():
        mean = float(values.to(torch.float64).mean())
        if name.startswith(RIGHT):
            metrics[f"accuracy.{name.removeprefix(RIGHT)}"] = mean
        elif epsilon > 0:
            metrics[f"{name}"] = mean / epsilon
    return metrics


def measure(batch: TestedBatch) -> Findings:
    """Which heads are right on every image, and how large its perturbations are."""
    return Findings(arrays={**measure_heads(batch.model, batch.perturbations)})


def summarise(config: Any, arrays: Mapping[str, Tensor]) -> Findings:
    """The accuracies and sizes, in addition to what they are means of."""
    return Findings(summarise_heads(arrays, config.attack_epsilon), arrays={**arrays})


def declared() -> dict[str, Metric]:
    """All metrics; the better direction of a size is by convention."""
    perturbations = perturbation_names(MOST_TASKS)
    heads = product(range(1 + MOST_TASKS), ["clean", *perturbations])
    share, size = Metric("maximize", unit="fraction"), Metric("maximize", low=0.0)
    metrics: dict[str, Metric] = {f"accuracy.head{head}.under_{name}": share for head, name in heads}
    return metrics | {f"{SIZE}{name}": size for name in perturbations}


MISLED_HEADS = Analysis(
    name="misled_heads",
    says="which task's perturbation misleads which head (S3, Table 1)",
    metrics=declared(),
    measure=measure,
    summarise=summarise,
    needs=frozenset({PERTURBATIONS}),
)
