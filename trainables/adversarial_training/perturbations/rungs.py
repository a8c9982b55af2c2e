"""Cheaper attacks in training, by name: each changes the method, so none is on by default. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from trainables.adversarial_training.config import Config

FEWER = 3
"""`few_steps` takes a third of the steps."""
ACROSS = 2.5
"""Steps together reach two and a half times across, as Madry et al. (2018) take them."""
SINGLE = 1.25
"""The one step of `single_step` in units of ε (Wong et al., 2020)."""


@dataclass(frozen=True)
class TrainingAttack:
    """Steps, their size, and the arithmetic of the attack that a trial trains on."""

    steps: int
    step_size: float
    precision: Literal["float32", "bfloat16"]


def training_attack(config: Config, epsilon: float) -> TrainingAttack:
    """The attack at `epsilon` of the rung that a configuration names; at full strength its own steps."""
    if config.rung == "few_steps":
        steps = max(1, math.ceil(config.steps / FEWER))
        return TrainingAttack(steps, min(1.0, ACROSS * epsilon / steps), "float32")
    if config.rung == "single_step":
        return TrainingAttack(1, min(1.0, SINGLE * epsilon), "float32")
    scale = epsilon / config.epsilon if config.epsilon else 0.0
    return TrainingAttack(
        config.steps, config.step_size * scale, "bfloat16" if config.rung == "bfloat16" else "float32"
    )
