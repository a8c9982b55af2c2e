"""The attack budget of each dataset, in training and in evaluation, and where it comes from. Imports no torch.

S3 states none and defers to an earlier paper; only MNIST's is in its official code (methods.md, 1.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trainables.contract import Source


@dataclass(frozen=True)
class Budget:
    """ε, step and steps of PGD, L∞ on [0, 1] pixels; `reason` says in words where they come from."""

    epsilon: float
    step_size: float
    steps: int
    attack_steps: int
    source: Source
    reason: str
    l2: float = 0.5
    """The L2 budget of `cw_l2`; all of them are customary or assumed."""


BUDGETS: Mapping[str, Budget] = {
    "mnist": Budget(0.3, 0.01, 40, 40, "official code", "S3's MNIST script; the same as Madry et al. (2018)", l2=2.0),
    "fashion_mnist": Budget(0.1, 0.01, 20, 20, "assumed", "not in S3; often seen, but nobody's standard", l2=1.5),
    "svhn": Budget(8 / 255, 1 / 255, 10, 20, "customary", "S3's 54 % under PGD fit it"),
    "gtsrb": Budget(8 / 255, 2 / 255, 10, 20, "assumed", "colour photographs' customary ε; nothing in S3 says so"),
    "cifar10": Budget(8 / 255, 2 / 255, 10, 20, "customary", "Madry et al. (2018); S3's 45 % under PGD fit it"),
    "tiny_imagenet": Budget(8 / 255, 2 / 255, 10, 20, "assumed", "customary for colour photographs; 4/255 is, too"),
    "digits": Budget(
        0.15, 0.03, 10, 20, "assumed",
        "two and a half of sixteen grey levels: at 0.125 a warm-up changes nothing, at 0.25 nothing is learnt",
    ),
}  # fmt: skip
"""Budgets of the datasets known by name."""

UNKNOWN = Budget(8 / 255, 2 / 255, 10, 20, "assumed", "the customary budget of colour photographs, never MNIST's 0.3")
"""For all other data."""


def budget_of(dataset: str | None) -> Budget:
    """The budget of a dataset by its known name; None for one's own."""
    return BUDGETS.get(dataset or "", UNKNOWN)
