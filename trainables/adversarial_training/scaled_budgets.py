"""Attack budgets that shrink with the contrast of images. Imports no torch."""

from __future__ import annotations

from trainables.adversarial_training.config import Config

SCALED = ("epsilon", "step_size", "attack_epsilon", "attack_step_size", "l2_budget")
"""Settings that are distances between images."""


def with_scaled_budgets(config: Config) -> Config:
    """The configuration with all its budgets, in training and evaluation, as `epsilon_scaled_with` has them.

    Every entry of the trainable goes through it, so that the rest sees the budgets of the attacks.
    """
    if config.epsilon_scaled_with == "nothing" or config.contrast == 1:
        return config
    scaled = {name: getattr(config, name) * config.contrast for name in SCALED}
    return config.model_copy(update={**scaled, "epsilon_scaled_with": "nothing"})
