"""Which head each perturbation misleads: the claim of S3's Table 1, as a table of accuracies.

"MTA misleads the auxiliary tasks a little more and the main task less than STA" reads: head 1 is less accurate under
`mta` than under `eta0`, and head 0 more.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainables.adversarial_training.analyses.task_attacks import PerturbedBatch

RIGHT, SIZE = "right.", "perturbation_size."


def measure_heads(model: nn.Module, batch: PerturbedBatch) -> dict[str, Tensor]:
    """Whether each head is right on an image, clean and under each perturbation, (B,) bool; mean |η| of each, (B,)."""
    made = {f"eta{m}": eta for m, eta in enumerate(batch.etas)} | {"mp": batch.mp, "mta": batch.mta}
    found: dict[str, Tensor] = {}
    for name, eta in {"clean": torch.zeros_like(batch.images), **made}.items():
        with torch.no_grad():
            logits = model(batch.images + eta)
        for head, answers in enumerate(logits):
            found[f"{RIGHT}head{head}.under_{name}"] = answers.argmax(1) == batch.labels[:, head]
    for name, eta in made.items():
        found[f"{SIZE}{name}"] = eta.abs().flatten(1).to(torch.float64).mean(1)
    return found


def summarise_heads(found: Mapping[str, Tensor], epsilon: float) -> dict[str, float]:
    """`test/accuracy.head1.under_eta0` and so on; sizes are mean |η| / ε, at most 1."""
    metrics = {}
    for name, values in found.items():
        mean = float(values.to(torch.float64).mean())
        if name.startswith(RIGHT):
            metrics[f"test/accuracy.{name.removeprefix(RIGHT)}"] = mean
        elif epsilon > 0:
            metrics[f"test/{name}"] = mean / epsilon
    return metrics
