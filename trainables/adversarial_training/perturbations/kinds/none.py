"""No perturbation: standard training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.adversarial_training.perturbations.kind import Batch, PerturbationKind

if TYPE_CHECKING:
    from torch import Tensor


def leave_alone(batch: Batch) -> tuple[Tensor, None]:
    """0."""
    import torch

    return torch.zeros_like(batch.images), None


NONE = PerturbationKind(
    "none",
    "leaves the images unchanged (standard training)",
    leave_alone,
    needs_tasks=False,
    by_s3=False,
    steps=lambda steps: 0.0,
    rungs=(),
)
