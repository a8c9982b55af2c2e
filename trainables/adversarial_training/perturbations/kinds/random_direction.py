"""Controls of MP's direction: another one at its angle to STA, of its size."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from trainables.adversarial_training.perturbations.kind import Batch, PerturbationKind

if TYPE_CHECKING:
    from torch import Tensor


def turn_mixed(norm: Literal["l1", "l2"], batch: Batch) -> tuple[Tensor, Tensor]:
    """For each image a random direction with the `norm` of MP and its angle to η₀, both as projected; and η₀."""
    from trainables.adversarial_training.perturbations.controls import turn_at_random

    etas = batch.attack_each_task()
    mixed, sta = batch.mix(etas), etas[0]
    return turn_at_random(mixed, sta, batch.normal(), batch.images, batch.epsilon, norm), sta


OF_L2 = PerturbationKind(
    "sta_random_direction_l2",
    "has a random direction at mp's angle to sta, and mp's L2 norm after projection",
    partial(turn_mixed, "l2"),
    each_task=True,
)
OF_L1 = PerturbationKind(
    "sta_random_direction_l1",
    "has such a direction and mp's mean |η| after projection: no direction has both",
    partial(turn_mixed, "l1"),
    each_task=True,
)
