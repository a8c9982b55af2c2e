"""The names of everything that adversarial training reports, from its attacks and analyses. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product
from typing import get_args

from trainables.adversarial_training.analysis_table import ANALYSES
from trainables.adversarial_training.attacks.attack_plan import attack_name
from trainables.adversarial_training.settings.evaluation import ThreatModel
from trainables.attacks.table import ATTACKS
from trainables.contract import Metric

share = partial(Metric, "maximize", unit="fraction")


def declared() -> Mapping[str, Metric]:
    """Every possible metric; the better direction of a mere description, such as a size, is by convention."""
    of_epsilon = Metric("maximize", low=0.0)
    metrics: dict[str, Metric] = {
        "train/loss": Metric("minimize", role="loss"),
        "train/adversarial_accuracy": share(),
        "train/epsilon": Metric("maximize", low=0.0, high=1.0),
        "train/perturbation_size": Metric("maximize", low=0.0, shown=False),  # the former name of perturbation_l1
        "train/perturbation_l1": of_epsilon,
        "train/perturbation_l2": of_epsilon,
        "train/perturbation_angle": Metric("maximize", unit="degrees", low=0.0, high=180.0),
        # may be below 0: mixing can narrow a spread, too
        "train/angle_spread": Metric("maximize", unit="degrees", low=-180.0, high=180.0),
        "train/epoch_seconds": Metric("minimize", unit="s", low=0.0, reproducible=False),
        "validation/attack_epsilon": Metric("maximize", low=0.0, high=1.0),  # where it isn't that of the test
        # of catastrophic overfitting: far from 0, and near to 0
        "validation/single_step_gap": Metric("minimize", unit="fraction", low=-1.0, high=1.0),
        "validation/gradient_alignment": Metric("maximize", low=-1.0, high=1.0),
    }
    metrics |= dict(_accuracies("validation")) | dict(_accuracies("test"))
    metrics |= {f"test/robust_accuracy.worst_case_{end}": share(shown=False) for end in ("low", "high")}
    fall = partial(Metric, "minimize", unit="fraction", low=-1.0)
    metrics["test/robust_overfitting_gap"] = fall(best_minus_last="test/robust_accuracy.worst_case")
    metrics["test/clean_overfitting_gap"] = fall(best_minus_last="test/clean_accuracy")
    metrics["test/groups"] = Metric("maximize", low=0.0)
    return metrics | ANALYSES.metrics


def _accuracies(split: str) -> Iterator[tuple[str, Metric]]:
    clean = f"{split}/clean_accuracy"
    robust = partial(share, role="robust", clean=clean, chance="classes")
    yield f"{split}/samples", Metric("maximize", role="samples", low=0.0, shown=split == "test")
    yield clean, share(role="clean", chance="classes")
    yield f"{split}/auxiliary_accuracy", share()
    yield f"{split}/robust_accuracy.worst_case", robust(worst_case=True)
    yield f"{split}/balanced_accuracy", share()
    yield f"{split}/robust_above_clean", Metric("minimize", unit="fraction", role="excess")
    for attack, threat_model in product(ATTACKS.values(), get_args(ThreatModel)):
        if threat_model != "main_head" and not attack.joint:
            continue
        name = attack_name(attack.name, threat_model)
        if attack.within_epsilon:
            yield f"{split}/robust_accuracy.{name}", robust(attack=name)
            yield f"{split}/failures_found.{name}", share()
        elif split == "test":
            yield f"{split}/robust_accuracy.{name}", robust(attack=name)
            yield f"{split}/{name}_median_norm", Metric("maximize", low=0.0)
        if attack.has_target_rate:
            yield f"{split}/target_rate.{name}", Metric("minimize", unit="fraction")
