"""The names of everything adversarial training reports, from the attacks and analyses there are. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product
from typing import get_args

from trainables.adversarial_training.attacks.attack_plan import LADDER_RESTARTS, LADDER_STEPS, attack_name
from trainables.adversarial_training.settings.evaluation import ThreatModel
from trainables.attacks.table import ATTACKS
from trainables.contract import Metric

MOST_TASKS = 2
"""Auxiliary tasks whose analyses have declared names; S3 has two."""

share = partial(Metric, "maximize", unit="fraction")

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


def declared() -> Mapping[str, Metric]:
    """Every metric there can be; the better direction of a mere description, as of an angle, is by convention."""
    of_epsilon = Metric("maximize", low=0.0)
    metrics = {
        "train/loss": Metric("minimize", role="loss"),
        "train/adversarial_accuracy": share(),
        "train/epsilon": Metric("maximize", low=0.0, high=1.0),
        "train/perturbation_size": Metric("maximize", low=0.0, shown=False),  # what perturbation_l1 was called
        "train/perturbation_l1": of_epsilon,
        "train/perturbation_l2": of_epsilon,
        "train/perturbation_angle": Metric("maximize", unit="degrees", low=0.0, high=180.0),
        "train/epoch_seconds": Metric("minimize", unit="s", low=0.0, reproducible=False),
    }
    metrics |= dict(_accuracies("validation")) | dict(_accuracies("test"))
    metrics |= {f"test/robust_accuracy.worst_case_{end}": share(shown=False) for end in ("low", "high")}
    metrics["test/samples"] = Metric("maximize", role="samples", low=0.0)
    metrics["test/groups"] = Metric("maximize", low=0.0)
    metrics["test/budget_ladder.declared"] = share(role="ladder start")
    for steps in LADDER_STEPS:
        metrics[f"test/budget_ladder.steps_{steps}"] = share(role="ladder rung", label=f"{steps:,} steps")
    restarts = share(role="ladder rung", label=f"{LADDER_RESTARTS} restarts")
    metrics[f"test/budget_ladder.restarts_{LADDER_RESTARTS}"] = restarts
    metrics["test/budget_ladder_move"] = Metric("minimize", unit="fraction")
    for head, made in product(range(1 + MOST_TASKS), ["clean", *perturbation_names(MOST_TASKS)]):
        metrics[f"test/accuracy.head{head}.under_{made}"] = share()
    metrics |= {f"test/perturbation_size.{name}": of_epsilon for name in perturbation_names(MOST_TASKS)}
    for statistic, name in product(STATISTICS, angle_names(MOST_TASKS)):
        angle = Metric("maximize", unit="degrees", low=0.0, high=180.0)
        metrics[f"test/angle_{statistic}.{name}"] = Metric("minimize", low=0.0) if statistic == "skipped" else angle
    increase = Metric("maximize", unit="degrees")
    metrics |= {f"test/angle_std_increase.{name}": increase for name in increase_names(MOST_TASKS)}
    return metrics


def _accuracies(split: str) -> Iterator[tuple[str, Metric]]:
    clean = f"{split}/clean_accuracy"
    robust = partial(share, role="robust", clean=clean)
    yield clean, share(role="clean")
    yield f"{split}/auxiliary_accuracy", share()
    yield f"{split}/robust_accuracy.worst_case", robust(worst_case=True)
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
