"""The single-task attack: PGD against the main task, as Madry et al. (2018) train."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.adversarial_training.perturbations.kind import Batch, PerturbationKind

if TYPE_CHECKING:
    from torch import Tensor


def attack_main_task(batch: Batch) -> tuple[Tensor, Tensor]:
    """η₀, twice: it is STA's."""
    eta = batch.attack([0])[0]
    return eta, eta


STA = PerturbationKind(
    "sta", "attacks the main task (eq. 1, 5)", attack_main_task, needs_tasks=False, long_name="single-task attack"
)
