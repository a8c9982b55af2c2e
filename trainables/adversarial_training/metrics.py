"""The names of everything adversarial training reports, from the attacks and analyses there are. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import get_args

from trainables.adversarial_training.attacks.attack_plan import LADDER_RESTARTS, LADDER_STEPS, attack_name
from trainables.adversarial_training.settings.evaluation import ThreatModel
from trainables.attacks.table import ATTACKS
from trainables.contract import Direction

MOST_TASKS = 2
"""Auxiliary tasks whose analyses have declared names; S3 has two."""

STATISTICS = ("mean", "std", "q05", "q50", "q95", "skipped")
"""Of the angles of an analysis; `skipped` counts images whose angle is undefined, because a vector is zero."""


def perturbation_names(tasks: int) -> list[str]:
    """What misleads the heads in the analysis `misled_heads`, with `tasks` auxiliary ones."""
    return [f"eta{task}" for task in range(1 + tasks)] + ["mp", "mta"]


def angle_names(tasks: int) -> list[str]:
    """The angles of the analysis `angles`; `shared` starts change nothing about the main task's own η₀."""
    names = ["x_eta0", "x_eta0_centred"]
    for task, start in product(range(1, 1 + tasks), ("", "_shared")):
        names.append(f"eta0_eta{task}{start}")
        for pair, images in product((f"x_eta{task}", f"x_eta0_eta{task}"), ("", "_centred")):
            names.append(f"{pair}{start}{images}")
    return names


def increase_names(tasks: int) -> list[str]:
    """Table 5's last column: by how much adding η_m to η₀ widens the spread of their angle with the image."""
    return [name for name in angle_names(tasks) if name.startswith("x_eta0_eta")]


def declared() -> Mapping[str, Direction]:
    """Every metric there can be, with its better direction; that of an angle is by convention."""
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
    rungs = ["declared", *(f"steps_{count}" for count in LADDER_STEPS), f"restarts_{LADDER_RESTARTS}"]
    found |= {f"test/budget_ladder.{rung}": "maximize" for rung in rungs}
    found["test/budget_ladder_move"] = "minimize"
    found["test/groups"] = "maximize"
    for head, made in product(range(1 + MOST_TASKS), ["clean", *perturbation_names(MOST_TASKS)]):
        found[f"test/accuracy.head{head}.under_{made}"] = "maximize"
    found |= {f"test/perturbation_size.{name}": "maximize" for name in perturbation_names(MOST_TASKS)}
    for statistic, name in product(STATISTICS, angle_names(MOST_TASKS)):
        found[f"test/angle_{statistic}.{name}"] = "minimize" if statistic == "skipped" else "maximize"
    found |= {f"test/angle_std_increase.{name}": "maximize" for name in increase_names(MOST_TASKS)}
    return found


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
