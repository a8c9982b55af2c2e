"""The type of an attack: a file of `methods` with one at its top level adds one. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

FORWARD, FORWARD_TWICE = 0.5, 1.5
"""A forward pass alone costs half of one with the gradient of the images; FAB makes one more after every step."""

CUSTOMARY_CLASSES = 10
"""Attacks are ordered by their cost on so many classes for all data, as the order must not depend on the data."""

Norm = Literal["linf", "l2"]


Loss = Literal["cross_entropy", "margin", "dlr"]


Aims = Literal["random", "least_likely", "likely"]


@dataclass(frozen=True)
class Budget:
    """The effort of an attack; fields that it doesn't use are left at the default.

    `steps`: iterations of a start, or queries of an attack without gradients. `restarts`: starts, each on what those
    before it left standing. `targets`: wrong classes that every start aims at in turn, at most all of them;
    0 for an untargeted attack. `step_size`: on pixels in [0, 1]; None if the attack sets its own. `searches`: values
    that an attack tries for its own weight, each in `steps` iterations. `rescaled`: the schedule of Square's sizes
    ends with its queries, instead of being that of 10,000.
    """

    steps: int
    restarts: int = 1
    targets: int = 0
    step_size: float | None = None
    searches: int = 1
    rescaled: bool = False

    def as_facts(self) -> dict[str, Any]:
        """What differs from the defaults, as plain values."""
        return {f.name: value for f in fields(self) if (value := asdict(self)[f.name]) != f.default}


@dataclass(frozen=True)
class Attack:
    """An attack: its description, its usual budget, and the function that runs it.

    `run`: within ε it takes a `runners.Start` and returns the images (N, C, H, W) that it found; without an L∞ bound it
    takes a `problem.Problem` and a budget and returns the `cw_l2.SmallestPerturbation`. It imports torch when called.

    `norm`: "linf" ones stay within ε and count for the worst case; "l2" ones have their own budget.
    `loss`: the loss to raise, per sample and head. `aims`: the wrong classes that a targeted attack aims at: one drawn
    at random for every start, the least likely one, or the likeliest ones of the clean image in turn. `adjustable`:
    the parts of its budget that a study may set; the others are as published. `weight`: the cost of a step in forward
    passes with the gradient of the images. `joint`: it can attack all heads at once.
    """

    name: str
    says: str
    run: Callable[..., Any]
    budget: Budget
    norm: Norm = "linf"
    loss: Loss = "cross_entropy"
    aims: Aims | None = None
    adjustable: tuple[str, ...] = ()
    weight: float = 1.0
    joint: bool = True

    @property
    def within_epsilon(self) -> bool:
        """Whether it stays within ε, so that the worst case is over it."""
        return self.norm == "linf"

    @property
    def has_target_rate(self) -> bool:
        """Whether it aims at one class of each image, so that reaching it can be distinguished from fooling at all."""
        return self.aims in ("random", "least_likely")

    def adjusted(self, settings: Mapping[str, Any]) -> Budget:
        """Its budget with the parts that a study may set."""
        return replace(self.budget, **{name: settings[name] for name in self.adjustable})

    def cost(self, budget: Budget, classes: int) -> float:
        """Steps on one image that nothing fools, in forward passes with the gradient of the image."""
        targets = min(budget.targets, classes - 1) if budget.targets else 1
        return budget.restarts * targets * budget.searches * budget.steps * self.weight
