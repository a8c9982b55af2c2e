"""Which trials report the signals of catastrophic overfitting at every validation. Imports no torch."""

from __future__ import annotations

from typing import Any

from trainables.adversarial_training.perturbations.table import KINDS
from trainables.adversarial_training.settings.evaluation import OVERFITTING

WATCHED_IMAGES = 500
"""Held-out images that are watched, the first ones."""


def is_watched(config: Any) -> bool:
    """Whether a trial reports the signals: if it asks for them, or trains on single steps."""
    kind = KINDS.get(config.perturbation)
    return OVERFITTING in config.analyses or (kind is not None and kind.is_single_step)
