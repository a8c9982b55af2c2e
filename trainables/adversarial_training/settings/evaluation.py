"""What it is measured by: attacks, threat models and further analyses. Imports no torch."""

from __future__ import annotations

from typing import Literal

from trainables.contract import Config, hyperparameter

Attack = Literal["fgsm", "pgd", "pgd_targeted", "pgd_least_likely", "cw_linf", "cw_l2"]
ThreatModel = Literal["main_head", "all_heads"]
Analysis = Literal["misled_heads", "angles", "epoch_seconds"]

OUTSIDE_EPSILON: tuple[Attack, ...] = ("cw_l2",)
"""Attacks without an L∞ bound: they have no part in the worst case, and are too slow for validation."""

L2_SEARCH_STEPS = 9
"""Values of c that cw_l2 tries for every image; Carlini and Wagner's."""

MOST_ANALYSED = 1_000
"""Test images that analyses look at."""


class EvaluationSettings(Config):
    """The attacks that validation and test measure robust accuracy by."""

    attacks: tuple[Attack, ...] = hyperparameter(
        ("pgd",),
        source="paper",
        description=(
            "Attacks that robust accuracy is the worst case over: fgsm; pgd, untargeted; pgd_targeted, to a wrong "
            "class drawn at random and fixed per image; pgd_least_likely, to the least likely class; cw_linf, PGD on "
            "Carlini and Wagner's margin; cw_l2, their L2 attack within l2_budget, which the worst case leaves out."
        ),
    )
    validation_attacks: Literal["all", "first"] = hyperparameter(
        "all",
        source="assumed",
        description=(
            "Which of the attacks validation takes after every epoch: all, or the first alone, as is customary where "
            "three attacks would cost more than the training. A test always takes all."
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
        description="Attack budget ε in validation and test, L∞; the dataset's, whatever ε is trained with.",
    )
    attack_steps: int = hyperparameter(
        20, source="customary", unit="steps", ge=1, le=10_000, description="PGD steps in validation and test."
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
        description="Random starts per attack; the worst counts.",
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
    analyses: tuple[Analysis, ...] = hyperparameter(
        (),
        source="paper",
        description=(
            "What else is measured: misled_heads, which task's perturbation misleads which head (S3, Table 1); angles "
            "between perturbations and images (Table 5); epoch_seconds, of the training alone (Table 7)."
        ),
    )

    def attacks_taken(self, *, tested: bool) -> tuple[Attack, ...]:
        """All declared attacks in a test; in validation those within ε, or the first of them.

        `cw_l2` takes hundreds of times as long as PGD, so validation leaves it out whatever it takes.
        """
        if tested:
            return self.attacks
        within = tuple(attack for attack in self.attacks if attack not in OUTSIDE_EPSILON)
        return within[:1] if self.validation_attacks == "first" else within
