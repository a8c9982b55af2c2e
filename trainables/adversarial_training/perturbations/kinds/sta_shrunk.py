"""A control of MP's size: STA, no larger than MP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.adversarial_training.perturbations.kind import Batch, PerturbationKind

if TYPE_CHECKING:
    from torch import Tensor


def shrink_to_mixed(batch: Batch) -> tuple[Tensor, Tensor]:
    """η₀ times one factor that makes its mean |η| over the batch that of MP, and η₀."""
    from trainables.adversarial_training.perturbations.controls import shrink

    etas = batch.attack_each_task()
    return shrink(etas[0], batch.mix(etas), batch.mean), etas[0]


STA_SHRUNK = PerturbationKind("sta_shrunk", "is sta scaled to the mean |η| of mp", shrink_to_mixed, each_task=True)
