"""The multi-task attack: PGD against the sum of the tasks' losses (S3, eq. 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.adversarial_training.perturbations.kind import Batch, PerturbationKind

if TYPE_CHECKING:
    from torch import Tensor


def attack_sum(batch: Batch) -> tuple[Tensor, None]:
    """The perturbation of all tasks jointly, or of the auxiliary ones, as `mta_sum` says."""
    tasks = range(batch.tasks)
    return batch.attack(tasks if batch.mta_sum == "all_tasks" else tasks[1:])[0], None


MTA = PerturbationKind("mta", "the sum of all tasks (eq. 7)", attack_sum, long_name="multi-task attack")
