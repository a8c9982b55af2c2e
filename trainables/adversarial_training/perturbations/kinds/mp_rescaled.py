"""A control of MP's size: MP, as large as STA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.adversarial_training.perturbations.kind import Batch, PerturbationKind

if TYPE_CHECKING:
    from torch import Tensor


def rescale_mixed(batch: Batch) -> tuple[Tensor, Tensor]:
    """MP with each image's mean |η| brought to that of η₀ within the ε-box, and η₀."""
    from trainables.adversarial_training.perturbations.controls import rescale

    etas = batch.attack_each_task()
    return rescale(batch.mix(etas), etas[0], batch.images, batch.epsilon), etas[0]


MP_RESCALED = PerturbationKind(
    "mp_rescaled", "is mp scaled up to the mean |η| of sta within ε", rescale_mixed, each_task=True
)
