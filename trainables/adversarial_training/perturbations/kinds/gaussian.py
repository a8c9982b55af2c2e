"""Gaussian noise, which randomised smoothing trains its base classifier on (Cohen et al., 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.adversarial_training.perturbations.kind import Batch, PerturbationKind

if TYPE_CHECKING:
    from torch import Tensor


def add_noise(batch: Batch) -> tuple[Tensor, None]:
    """Normal draws of standard deviation `noise_sigma`; neither within ε nor within [0, 1], as in Cohen et al."""
    return batch.noise_sigma * batch.normal(), None


GAUSSIAN = PerturbationKind(
    "gaussian",
    "is normal noise of noise_sigma, beyond ε and [0, 1] (randomised smoothing: Cohen et al., 2019)",
    add_noise,
    needs_tasks=False,
    by_s3=False,
    within_epsilon=False,
    steps=lambda steps: 0.0,
    rungs=(),
)
