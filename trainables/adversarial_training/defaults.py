"""The values of recipe, scale and dataset for the fields that a study leaves open, and where each comes from.

A recipe gives the optimiser and its schedule (see `recipes`); a scale gives sizes of data, network and training. Where
both give a value, scale `quick` wins on learning rate, batch and epochs, because a rate for 200 epochs is too low for
ten; scale `full` leaves them to the recipe. The default scale is `quick`, the default recipe `official_code` at scale
`quick` and on MNIST, which it is for, and `paper` on other datasets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainables.adversarial_training.recipes import MNIST, RECIPES, TRADES, recipe_defaults, recipe_of
from trainables.adversarial_training.scales import Quick, quick_of
from trainables.adversarial_training.settings.network import Network
from trainables.contract import Default
from trainables.datasets.attack_budget import PHOTOGRAPHS, AttackBudget
from trainables.datasets.config import known_name, own_size
from trainables.datasets.errors import nearest
from trainables.datasets.registry import KNOWN

__all__ = ["RECIPES", "SCALES", "defaults"]

SCALES = ("quick", "full")

WIDTHS: Mapping[Network, Default] = {
    "lenet": Default(16, "official code"),
    "resnet18": Default(64, "customary"),
    "alexnet": Default(64, "customary"),
    "wide_resnet": Default(10, "customary"),
}
NARROW: Mapping[Network, int] = {"lenet": 4, "resnet18": 8, "alexnet": 16, "wide_resnet": 1}
"""Widths at scale quick of networks that the dataset's quick sizes don't name."""


def defaults(given: Mapping[str, Any], recipe: str | None = None, scale: str | None = None) -> dict[str, Default]:
    """Values for the fields that `given` leaves open; some depend on a given ε, number of steps or optimiser.

    Raises `ValueError` for a recipe or scale that doesn't exist.
    """
    for kind, name, valid in (("recipe", recipe, RECIPES), ("scale", scale, SCALES)):
        if name is not None and name not in valid:
            raise ValueError(f"{name!r} is not a {kind} of adversarial_training; {nearest(name, valid)}")
    dataset = known_name(given.get("dataset", "digits"))
    values = recipe_defaults(recipe_of(recipe, dataset, full=scale == "full"), dataset, given)
    if scale == "full":
        values |= _full(dataset, given)
    else:
        values |= _quick(quick_of(dataset), values, given)
    values |= _technique(given)
    values |= _attack(
        KNOWN[dataset].budget if dataset is not None else PHOTOGRAPHS, given, dataset, quick=scale != "full"
    )
    return {field: default for field, default in values.items() if field not in given}


def _full(dataset: str | None, given: Mapping[str, Any]) -> dict[str, Default]:
    known = KNOWN[dataset] if dataset is not None else None
    published = known.network if known is not None else None
    network = published or "lenet"
    sized = own_size(given.get("dataset")) is not None
    return {
        "network": Default(network, "paper" if published is not None else "assumed"),
        "width": _width(given.get("network", network), dataset),
        "image_size": Default(None if sized or known is None else known.image_size, "paper"),
        "train_size": Default(None, "paper"),
        "test_size": Default(None, "paper"),
        "validation_fraction": Default(0.1, "assumed"),
        "epsilon_warmup": Default(0, "official code" if dataset == MNIST else "customary"),
        "attacks": Default(("standard",), "customary"),
    }


def _width(network: Any, dataset: str | None) -> Default:
    width = WIDTHS.get(network, WIDTHS["lenet"])
    # the official code's LeNet is Madry et al.'s
    return width if dataset == MNIST or width.source != "official code" else Default(width.value, "customary")


def _quick(quick: Quick, recipe: Mapping[str, Default], given: Mapping[str, Any]) -> dict[str, Default]:
    epochs = given.get("epochs", quick.epochs)
    # in a study that shortens training, the warm-up must still end
    warmup = min(quick.epsilon_warmup, epochs // 3) if isinstance(epochs, int) else quick.epsilon_warmup
    optimizer = given.get("optimizer", recipe["optimizer"].value)
    network = given.get("network", quick.network)
    return {
        "network": Default(quick.network, "assumed"),
        "width": Default(quick.width if network == quick.network else NARROW.get(network, quick.width), "assumed"),
        "image_size": Default(quick.image_size if own_size(given.get("dataset")) is None else None, "assumed"),
        "train_size": Default(quick.train_size, "assumed"),
        "test_size": Default(quick.test_size, "assumed"),
        "validation_fraction": Default(quick.validation_fraction, "assumed"),
        "batch_size": Default(quick.batch_size, "assumed"),
        "epochs": Default(quick.epochs, "assumed"),
        "epsilon_warmup": Default(warmup, "assumed"),
        "lr": recipe["lr"] if optimizer == "sgd" else Default(quick.adam_lr, "assumed"),
        "attacks": Default(("quick",), "assumed"),
        "validation_attacks": Default("first", "assumed"),
        "ladder_steps": Default(100, "assumed"),
    }


def _technique(given: Mapping[str, Any]) -> dict[str, Default]:
    """The defaults that a technique brings with it."""
    values: dict[str, Default] = {}
    if given.get("objective") == "trades":
        values["perturbation"] = Default("kl", "customary", TRADES)
    if given.get("swa_start") is not None:
        values["weight_average"] = Default(0.0, "assumed", "swa_start is the average that was asked for")
    return values


def _attack(budget: AttackBudget, given: Mapping[str, Any], dataset: str | None, *, quick: bool) -> dict[str, Default]:
    epsilon = _number(given.get("epsilon"), budget.epsilon)
    # compared networks must be attacked with one budget, however they were trained; own data has only the given one
    attacked = _number(given.get("attack_epsilon"), epsilon if dataset is None else budget.epsilon)
    steps = Default(Quick.steps, "assumed") if quick else Default(budget.steps, budget.source)
    wanted = int(_number(given.get("steps"), steps.value))
    attack_steps = int(_number(given.get("attack_steps"), budget.attack_steps))

    def step(radius: float, count: int, usual: int) -> Default:
        if count >= usual:
            own = radius == budget.epsilon
            return Default(budget.step_size * radius / budget.epsilon, budget.source if own else "assumed")
        # with fewer steps each must be longer to get across the ball; Madry et al. take 2.5 ε / steps
        return Default(min(1.0, 2.5 * radius / max(count, 1)), "customary")

    return {
        "epsilon": Default(budget.epsilon, budget.source),
        "steps": steps,
        "step_size": step(epsilon, wanted, budget.steps),
        "attack_epsilon": Default(attacked, budget.source if attacked == budget.epsilon else "assumed"),
        "attack_steps": Default(budget.attack_steps, budget.source),
        "attack_step_size": step(attacked, attack_steps, budget.attack_steps),
        "l2_budget": Default(budget.l2, "assumed"),
    }


def _number(value: Any, otherwise: float) -> float:
    """`value` if it is a number; anything else is left for the configuration to refuse."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise
