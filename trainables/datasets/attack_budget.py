"""The attack budget that is customary on a dataset, in training and in evaluation. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from trainables.provenance import Source


@dataclass(frozen=True)
class AttackBudget:
    """ε, step and steps of PGD, L∞ on [0, 1] pixels; `attack_steps` are those of an evaluation.

    `reason` states in words where they come from. S3 states none and defers to an earlier paper; only MNIST's is in its
    official code (methods.md, 1.1).
    """

    epsilon: float
    step_size: float
    steps: int
    attack_steps: int
    source: Source
    reason: str
    l2: float = 0.5
    """The L2 budget of `cw_l2`; all of them are customary or assumed."""


def usual_budget(shape: tuple[int, int, int]) -> AttackBudget:
    """The budget for images (C, H, W) for which no publication states one."""
    channels, height, width = shape
    if channels == 1 and max(height, width) <= SMALL:
        return SMALL_AND_GREY
    return PHOTOGRAPHS


SMALL = 32
"""The most pixels a side of images that count as small, as those of MNIST and CIFAR-10."""

PHOTOGRAPHS = AttackBudget(
    8 / 255, 2 / 255, 10, 20, "assumed", "the customary budget of colour photographs, never MNIST's 0.3"
)
SMALL_AND_GREY = AttackBudget(0.1, 0.01, 20, 20, "assumed", "common on Fashion-MNIST", l2=1.5)
