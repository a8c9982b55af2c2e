"""The names of everything adversarial training reports, from the attacks and analyses there are. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import get_args

from trainables.adversarial_training.analysis_table import ANALYSES
from trainables.adversarial_training.attacks.attack_plan import attack_name
from trainables.adversarial_training.settings.evaluation import ThreatModel
from trainables.attacks.table import ATTACKS
from trainables.contract import Direction


def declared() -> Mapping[str, Direction]:
    """Every metric there can be, with its better direction; that of a description is by convention."""
    found: dict[str, Direction] = {
        "train/loss": "minimize",
        "train/adversarial_accuracy": "maximize",
        "train/epsilon": "maximize",
        "train/perturbation_size": "maximize",
        "train/perturbation_l1": "maximize",
        "train/perturbation_l2": "maximize",
        "train/perturbation_angle": "maximize",
        "train/epoch_seconds": "minimize",
    }
    found |= dict(_accuracies("validation")) | dict(_accuracies("test"))
    found["test/robust_accuracy.worst_case_low"] = "maximize"
    found["test/robust_accuracy.worst_case_high"] = "maximize"
    found["test/samples"] = "maximize"
    found["test/groups"] = "maximize"
    return found | ANALYSES.metrics


def _accuracies(split: str) -> Iterator[tuple[str, Direction]]:
    yield f"{split}/clean_accuracy", "maximize"
    yield f"{split}/auxiliary_accuracy", "maximize"
    yield f"{split}/robust_accuracy.worst_case", "maximize"
    yield f"{split}/robust_above_clean", "minimize"
    for attack, threat_model in product(ATTACKS.values(), get_args(ThreatModel)):
        if threat_model != "main_head" and not attack.joint:
            continue
        name = attack_name(attack.name, threat_model)
        if attack.within_epsilon:
            yield f"{split}/robust_accuracy.{name}", "maximize"
            yield f"{split}/failures_found.{name}", "maximize"
        elif split == "test":
            yield f"{split}/robust_accuracy.{name}", "maximize"
            yield f"{split}/{name}_median_norm", "maximize"
        if attack.has_target_rate:
            yield f"{split}/target_rate.{name}", "minimize"
