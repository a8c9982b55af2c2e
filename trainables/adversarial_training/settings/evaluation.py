"""How it is measured: attacks, threat models and further analyses. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from trainables.adversarial_training.analysis_table import ANALYSES
from trainables.adversarial_training.settings.explanation import ExplanationSettings
from trainables.attacks.table import NAMES, described
from trainables.contract import hyperparameter
from trainables.datasets.config import DatasetSpec

EPOCH_SECONDS = "epoch_seconds"
OVERFITTING = "catastrophic_overfitting"

if TYPE_CHECKING:
    AttackName = str
    AnalysisName = str
else:
    AttackName = Literal[NAMES]
    """The names in the table of attacks: schemas list them, and a wrong one gets the nearest as a suggestion."""
    AnalysisName = Literal[(*ANALYSES.entries, EPOCH_SECONDS, OVERFITTING)]
    """The analyses of a tested network, likewise, and what is measured during the training."""

ThreatModel = Literal["main_head", "all_heads"]


class EvaluationSettings(ExplanationSettings):
    """The attacks with which validation and test measure robust accuracy."""

    attacks: tuple[AttackName, ...] = hyperparameter(
        ("standard",),
        source="customary",
        description=(
            "Attacks that robust accuracy is the worst case over, and named sets of them. An attack that is named by "
            "itself attacks all images and has its own accuracy; those of a set attack the images that are "
            f"still classified correctly, the cheapest attack first. Attacks: {described()}"
        ),
    )
    validation_attacks: Literal["all", "first"] = hyperparameter(
        "all",
        source="assumed",
        description=(
            "Which of the attacks validation takes after every epoch: all, or the first alone, as is customary where "
            "three attacks would cost more than the training; of a set always its cheapest attack alone, with "
            "attack_steps at most. A test always takes all."
        ),
    )
    validation_epsilon: Literal["evaluation", "training"] = hyperparameter(
        "evaluation",
        source="assumed",
        description=(
            "The ε of validation, which chooses the checkpoint: that of the evaluation or of the training. By the "
            "former a network that is trained without attacks, or with weak ones, is chosen as early as it is least "
            "fooled by chance; where ε is a dose, training chooses each network for what it is trained for (one that "
            "no attack trains by clean accuracy). Robust accuracies of validation then don't compare trials, so that "
            "no search over ε may go by them."
        ),
    )
    validate_every: int = hyperparameter(
        1,
        source="assumed",
        unit="epochs",
        ge=1,
        le=10_000,
        description=(
            "Validate after the first epoch, then every N epochs, and after the last; epochs between them repeat the "
            "latest validation and are never chosen."
        ),
    )
    threat_models: tuple[ThreatModel, ...] = hyperparameter(
        ("main_head",),
        source="paper",
        description=(
            "Which heads an attack knows: main_head alone (S3), or also all_heads, whose losses are summed: an "
            "attacker who knows the auxiliary labels. The worst case is over all of them."
        ),
    )
    attack_epsilon: float = hyperparameter(
        8 / 255,
        source="assumed",
        unit="pixel value in [0, 1]",
        ge=0,
        le=1,
        description="Attack budget ε in validation and test, L∞; the dataset's by default, independent of ε in "
        "training.",
    )
    attack_steps: int = hyperparameter(
        20,
        source="customary",
        unit="steps",
        ge=1,
        le=10_000,
        description="PGD steps in validation and test; sets use their own budgets.",
    )
    attack_step_size: float = hyperparameter(
        2 / 255,
        source="assumed",
        unit="pixel value in [0, 1]",
        ge=0,
        le=1,
        description="PGD step in validation and test.",
    )
    attack_restarts: int = hyperparameter(
        1,
        source="official code",
        unit="starts",
        ge=1,
        le=100,
        description="Random starts of each attack that is named individually; the worst one counts.",
    )
    l2_budget: float = hyperparameter(
        0.5,
        source="customary",
        unit="L2 norm of a perturbation on [0, 1] pixels",
        gt=0,
        le=100,
        description="cw_l2 counts where it fools the network within this budget; S3 states none.",
    )
    l2_iterations: int = hyperparameter(
        100,
        source="assumed",
        unit="steps",
        ge=1,
        le=100_000,
        description="Adam steps of cw_l2 in each of its binary-search steps.",
    )
    analyses: tuple[AnalysisName, ...] = hyperparameter(
        (),
        source="paper",
        description=(
            f"Further analyses: {ANALYSES.described}; {EPOCH_SECONDS}, of the training alone (Table 7); "
            f"{OVERFITTING}, at every validation, how far FGSM and PGD are apart and how gradients turn within ε, "
            "which perturbations of a single step always report."
        ),
    )
    certification_sigma: float | None = hyperparameter(
        None,
        source="customary",
        unit="pixel value in [0, 1]",
        gt=0,
        le=10,
        description="Standard deviation of the noise that certification smooths by; null: noise_sigma.",
    )
    certification_draws: int = hyperparameter(
        1_000,
        source="assumed",
        unit="draws",
        ge=10,
        le=1_000_000,
        description="Number of noisy copies for certifying an image's radius; Cohen et al. (2019) take 100,000.",
    )
    certification_alpha: float = hyperparameter(
        0.001,
        source="customary",
        gt=0,
        lt=1,
        description="Probability that a certified radius may be wrong.",
    )
    certification_images: int = hyperparameter(
        200,
        source="assumed",
        unit="images",
        ge=1,
        le=1_000,
        description="Number of test images that are certified, the first of a stratified order.",
    )
    ladder_steps: int = hyperparameter(
        1_000,
        source="customary",
        unit="steps",
        ge=20,
        le=1_000,
        description="Maximum number of steps of budget_ladder, which tries 20, 100 and 1,000.",
    )
    shift_dataset: DatasetSpec | None = hyperparameter(
        None,
        source="assumed",
        description=(
            "Another dataset of the same classes, whose test images domain_shift looks at in the size and channels of "
            "the dataset's: mnist for digits, digits for mnist; null: none."
        ),
    )
