"""The mixed perturbation: a random mixture of every task's own (S3, eq. 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.adversarial_training.perturbations.kind import Batch, PerturbationKind

if TYPE_CHECKING:
    from torch import Tensor


def mix_tasks(batch: Batch) -> tuple[Tensor, Tensor]:
    """Σ αₘ ηₘ and η₀."""
    etas = batch.attack_each_task()
    return batch.mix(etas), etas[0]


MP = PerturbationKind(
    "mp", "mixes each task's own perturbation (eq. 2)", mix_tasks, each_task=True, long_name="mixed perturbation"
)
RANDOM_LABELS = PerturbationKind(
    "mp_random_labels",
    "is mp with random fixed labels of the auxiliary tasks",
    mix_tasks,
    each_task=True,
    random_labels=True,
)
