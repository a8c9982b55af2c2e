"""What recipe, scale and dataset give to the fields that a study leaves open, and where each value comes from.

A recipe gives the optimiser and its schedule; a scale gives sizes of data, network and training. Where both speak,
scale `quick` wins on learning rate, batch and epochs, because a rate meant for 200 epochs learns nothing in ten;
scale `full` leaves them to the recipe. Without a scale, `quick` counts; without a recipe, `official_code`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainables.contract import Default, Source
from trainables.datasets.errors import nearest

RECIPES = ("official_code", "paper")
SCALES = ("quick", "full")


@dataclass(frozen=True)
class Budget:
    """The attack of a dataset: ε, step and steps, in training and in evaluation."""

    epsilon: float
    step_size: float
    steps: int
    attack_steps: int
    source: Source


BUDGETS: Mapping[str, Budget] = {
    # S3's official MNIST script; the same as Madry et al.
    "mnist": Budget(epsilon=0.3, step_size=0.01, steps=40, attack_steps=40, source="official code"),
    # not in S3; a budget often seen for this dataset, but nobody's standard
    "fashion_mnist": Budget(epsilon=0.1, step_size=0.01, steps=20, attack_steps=20, source="assumed"),
    # about two and a half of the sixteen grey levels: at 0.125 a warm-up changes nothing, at 0.25 nothing is learnt
    "digits": Budget(epsilon=0.15, step_size=0.03, steps=10, attack_steps=20, source="assumed"),
}
"""Attack budgets of the datasets known by name (methods.md, 1.1)."""

UNKNOWN = Budget(epsilon=8 / 255, step_size=2 / 255, steps=10, attack_steps=20, source="assumed")
"""For all other data: the customary budget of colour photographs, never MNIST's 0.3."""


@dataclass(frozen=True)
class Quick:
    """Sizes that answer within minutes on one CPU thread."""

    width: int = 4
    train_size: int | None = 5_000
    test_size: int | None = 1_000
    validation_fraction: float = 0.1
    batch_size: int = 100
    epochs: int = 10
    steps: int = 7
    epsilon_warmup: int = 3
    adam_lr: float = 2e-3


QUICK: Mapping[str, Quick] = {
    "mnist": Quick(width=2),
    "fashion_mnist": Quick(width=2),
    "digits": Quick(
        train_size=None,
        test_size=None,
        validation_fraction=0.2,
        batch_size=64,
        epochs=12,
        epsilon_warmup=4,
        adam_lr=4e-3,
    ),
}
"""Quick sizes by dataset; `Quick()` for the rest."""


def defaults(given: Mapping[str, Any], recipe: str | None = None, scale: str | None = None) -> dict[str, Default]:
    """Values for the fields that `given` leaves open; a given ε, number of steps or optimiser moves what hangs on it.

    Raises `ValueError` for a recipe or scale that doesn't exist.
    """
    for kind, name, valid in (("recipe", recipe, RECIPES), ("scale", scale, SCALES)):
        if name is not None and name not in valid:
            raise ValueError(f"{name!r} is no {kind} of adversarial_training; {nearest(name, valid)}")
    dataset = given.get("dataset", "digits")
    name = dataset if isinstance(dataset, str) else ""
    budget = BUDGETS.get(name, UNKNOWN)
    values = _recipe(recipe or "official_code", given)
    values |= _full() if scale == "full" else _quick(QUICK.get(name, Quick()), values, given)
    values |= _attack(budget, given, quick=scale != "full")
    return {field: default for field, default in values.items() if field not in given}


def _recipe(recipe: str, given: Mapping[str, Any]) -> dict[str, Default]:
    sgd_default = recipe == "paper"
    optimizer = given.get("optimizer", "sgd" if sgd_default else "adam")
    return {
        "optimizer": Default("sgd", "paper") if sgd_default else Default("adam", "official code"),
        "lr": Default(0.1, "paper") if optimizer == "sgd" else Default(1e-4, "official code"),
        "batch_size": Default(50, "official code"),
        "epochs": Default(200, "paper" if sgd_default else "official code"),
    }


def _full() -> dict[str, Default]:
    return {
        "width": Default(16, "official code"),
        "train_size": Default(None, "paper"),
        "test_size": Default(None, "paper"),
        "validation_fraction": Default(0.1, "assumed"),
        "epsilon_warmup": Default(0, "official code"),
    }


def _quick(quick: Quick, recipe: Mapping[str, Default], given: Mapping[str, Any]) -> dict[str, Default]:
    epochs = given.get("epochs", quick.epochs)
    # a study that shortens training must not be left with a warm-up that never ends
    warmup = min(quick.epsilon_warmup, epochs // 3) if isinstance(epochs, int) else quick.epsilon_warmup
    optimizer = given.get("optimizer", recipe["optimizer"].value)
    return {
        "width": Default(quick.width, "assumed"),
        "train_size": Default(quick.train_size, "assumed"),
        "test_size": Default(quick.test_size, "assumed"),
        "validation_fraction": Default(quick.validation_fraction, "assumed"),
        "batch_size": Default(quick.batch_size, "assumed"),
        "epochs": Default(quick.epochs, "assumed"),
        "epsilon_warmup": Default(warmup, "assumed"),
        "lr": recipe["lr"] if optimizer == "sgd" else Default(quick.adam_lr, "assumed"),
    }


def _attack(budget: Budget, given: Mapping[str, Any], *, quick: bool) -> dict[str, Default]:
    epsilon = _number(given.get("epsilon"), budget.epsilon)
    own = epsilon == budget.epsilon
    steps = Default(Quick.steps, "assumed") if quick else Default(budget.steps, budget.source)
    wanted = int(_number(given.get("steps"), steps.value))
    attack_steps = int(_number(given.get("attack_steps"), budget.attack_steps))

    def step(count: int, usual: int) -> Default:
        if count >= usual:
            return Default(budget.step_size * epsilon / budget.epsilon, budget.source if own else "assumed")
        # with fewer steps each must be longer to get across the ball; Madry et al. take 2.5 ε / steps
        return Default(min(1.0, 2.5 * epsilon / max(count, 1)), "customary")

    return {
        "epsilon": Default(budget.epsilon, budget.source),
        "steps": steps,
        "step_size": step(wanted, budget.steps),
        "attack_steps": Default(budget.attack_steps, budget.source),
        "attack_step_size": step(attack_steps, budget.attack_steps),
    }


def _number(value: Any, otherwise: float) -> float:
    """`value` if it is a number; what isn't is left for the configuration to refuse."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise
