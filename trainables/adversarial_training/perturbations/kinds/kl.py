"""The inner maximisation of TRADES (Zhang et al., 2019): away from the clean prediction, not from the label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.adversarial_training.perturbations.kind import Batch, PerturbationKind

if TYPE_CHECKING:
    from torch import Tensor


def raise_divergence(batch: Batch) -> tuple[Tensor, None]:
    """PGD that raises KL(p(x) ‖ p(x + η)) of the main task, from a normal start of 0.001."""
    return batch.raise_divergence(), None


KL = PerturbationKind(
    "kl",
    "raises the KL divergence of the main task's prediction from the clean one (TRADES: Zhang et al., 2019)",
    raise_divergence,
    needs_tasks=False,
    by_s3=False,
    steps=lambda steps: steps + 0.5,  # and the clean prediction, a forward pass
    rungs=("few_steps", "single_step"),
    long_name="Kullback-Leibler divergence",
)
