"""One step from a random point: FGSM-RS (Wong et al., 2020) and N-FGSM (de Jorge et al., 2022).

Both are known to overfit catastrophically: the network withstands only single steps. Trials that train on
them report after every validation how far apart FGSM and PGD are (see `training.overfitting`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.adversarial_training.perturbations.kind import Batch, PerturbationKind

if TYPE_CHECKING:
    from torch import Tensor

RS_STEP, N_STEP = 1.25, 1.0
"""Steps in units of ε, as their papers recommend."""


def step_within_epsilon(batch: Batch) -> tuple[Tensor, None]:
    """A step from a uniform point of the ε-box, projected to it."""
    return batch.single_step(1.0, RS_STEP, clipped=True), None


def step_from_noise(batch: Batch) -> tuple[Tensor, None]:
    """A step from uniform noise of `n_fgsm_noise` ε; their sum is kept within [0, 1], and not within ε."""
    return batch.single_step(batch.n_fgsm_noise, N_STEP, clipped=False), None


FGSM_RS = PerturbationKind(
    "fgsm_rs",
    "takes one step of 1.25 ε from a random point within ε (Wong et al., 2020)",
    step_within_epsilon,
    needs_tasks=False,
    by_s3=False,
    is_single_step=True,
    steps=lambda steps: 1.0,
    rungs=(),
    long_name="fast gradient sign method, random start",
)
N_FGSM = PerturbationKind(
    "n_fgsm",
    "takes one step of ε from noise of n_fgsm_noise ε without clipping to ε (de Jorge et al., 2022)",
    step_from_noise,
    needs_tasks=False,
    by_s3=False,
    within_epsilon=False,
    is_single_step=True,
    steps=lambda steps: 1.0,
    rungs=(),
    long_name="noise and fast gradient sign method",
)
