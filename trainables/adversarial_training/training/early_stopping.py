"""Early stopping: after validations without a better worst case (Rice et al., 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainables.adversarial_training.config import Config

WATCHED = "validation/robust_accuracy.worst_case"


class EarlyStopping:
    """Counts validations in a row that were no better than the best before them."""

    def __init__(self, config: Config, state: Mapping[str, Any] | None = None) -> None:
        self.patience = config.patience
        stored = (state or {}).get("early_stopping", {})
        self.best: float | None = stored.get("best")
        self.waited = int(stored.get("waited", 0))

    def watch(self, metrics: Mapping[str, float]) -> None:
        """Take in the metrics of a validation."""
        value = metrics[WATCHED]
        is_better = self.best is None or value > self.best
        self.best, self.waited = (value, 0) if is_better else (self.best, self.waited + 1)

    @property
    def is_over(self) -> bool:
        """Whether patience has run out."""
        return self.patience is not None and self.waited >= self.patience

    def state(self) -> dict[str, Any]:
        """Its part of a stored state."""
        return {} if self.patience is None else {"early_stopping": {"best": self.best, "waited": self.waited}}
