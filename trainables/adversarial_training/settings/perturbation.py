"""The perturbation to train against. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from trainables.adversarial_training.perturbations.table import KINDS, RETIRED, described, meanings
from trainables.contract import Config, Retired, hyperparameter

if TYPE_CHECKING:
    Perturbation = str
else:
    Perturbation = Literal[tuple(KINDS)]
    """The names in the table of perturbations: schemas list them, and a wrong one gets the nearest as a suggestion."""


class PerturbationSettings(Config):
    """The attack inside the training loop."""

    perturbation: Annotated[Perturbation, Retired(RETIRED)] = hyperparameter(
        "sta",
        source="paper",
        description=f"What to train on. {described()}.",
        levels=meanings(),
    )
    mta_sum: Literal["all_tasks", "auxiliary_tasks"] = hyperparameter(
        "all_tasks",
        source="assumed",
        description=(
            "Tasks that mta's sum runs over: all, as the text means, or the auxiliary ones alone, as eq. 7 prints it."
        ),
    )
    alpha0_min: float = hyperparameter(
        0.5, source="paper", ge=0, le=1, description="Lower bound of α₀, the main task's share in a mixed perturbation."
    )
    alpha0_max: float = hyperparameter(
        1.0, source="paper", ge=0, le=1, description="Upper bound of α₀, which is drawn uniformly."
    )
    alpha_split: Literal["uniform_split", "dirichlet", "equal"] = hyperparameter(
        "uniform_split",
        source="assumed",
        description=(
            "How two or more auxiliary tasks share 1 - α₀: in proportion to uniform draws, uniformly on the simplex "
            "(a flat Dirichlet), or equally. A single auxiliary task gets all of it."
        ),
    )
    alpha_draw: Literal["batch", "sample"] = hyperparameter(
        "batch", source="official code", description="Whether α is drawn once per batch or for every image."
    )
    task_starts: Literal["independent", "shared"] = hyperparameter(
        "independent",
        source="official code",
        description="Whether each task's attack has its own random start, or all share the main task's.",
    )
    auxiliary_weight: float = hyperparameter(
        1.0,
        source="paper",
        ge=0,
        le=100,
        description=(
            "Weight λ of the auxiliary tasks' losses in the training loss; S3, eq. 4 to 6 weigh all tasks equally. 0 "
            "trains the main head only. Attacks are not weighted."
        ),
    )
    task_reduction: Literal["mean", "sum"] = hyperparameter(
        "mean",
        source="official code",
        description="Whether the training loss is the weighted mean of the tasks' losses, or their sum (eq. 4 to 6).",
    )
    epsilon: float = hyperparameter(
        8 / 255,
        source="assumed",
        unit="pixel value in [0, 1]",
        ge=0,
        le=1,
        description="Attack budget ε in training, L∞.",
    )
    epsilon_share: float | None = hyperparameter(
        None,
        source="assumed",
        ge=0,
        le=10,
        description=(
            "Take ε in training as this share of the data's inter-class distance per root dimension (S3, eq. 8 and "
            "its future work), ignoring epsilon; null: epsilon is used."
        ),
    )
    epsilon_scaled_with: Literal["nothing", "contrast"] = hyperparameter(
        "nothing",
        source="assumed",
        description=(
            "Multiply all budgets by contrast, in training and evaluation: ε, its steps and the L2 budget, so that "
            "their ratio to the distances between images is kept; nothing: budgets are used as given."
        ),
    )
    step_size: float = hyperparameter(
        2 / 255,
        source="assumed",
        unit="pixel value in [0, 1]",
        ge=0,
        le=1,
        description="PGD step in training; it scales with ε.",
    )
    steps: int = hyperparameter(
        10, source="customary", unit="steps", ge=0, le=1000, description="PGD steps in training."
    )
    random_start: bool = hyperparameter(
        True, source="official code", description="Whether PGD starts at a uniform random point of the ε-box."
    )
    single_step_size: float | None = hyperparameter(
        None,
        source="customary",
        unit="ε",
        gt=0,
        le=10,
        description="Step of fgsm_rs and n_fgsm; null: 1.25 and 1, as published.",
    )
    n_fgsm_noise: float = hyperparameter(
        2.0,
        source="customary",
        unit="ε",
        ge=0,
        le=10,
        description="Bound of the noise that n_fgsm starts from.",
    )
    noise_sigma: float = hyperparameter(
        0.25,
        source="customary",
        unit="pixel value in [0, 1]",
        gt=0,
        le=10,
        description="Standard deviation of the noise of perturbation gaussian.",
    )
    epsilon_warmup: int = hyperparameter(
        0,
        source="assumed",
        unit="epochs",
        ge=0,
        le=1000,
        description="Epochs over which ε (and its step) grows linearly.",
    )
    rung: Literal["full_strength", "few_steps", "single_step", "bfloat16"] = hyperparameter(
        "full_strength",
        source="paper",
        description=(
            "full_strength, or a cheaper attack in training that changes the method: few_steps takes a third of "
            "the steps, single_step one of 1.25 ε, bfloat16 computes its forward passes in bfloat16. For ranking "
            "settings cheaply; blocks: {rung: [full_strength, few_steps]} shows how well their rankings agree."
        ),
    )
