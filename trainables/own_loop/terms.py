"""What a study states that a user's loop may leave open: its settings, and its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trainables.contract import Direction


@dataclass(frozen=True)
class StudyTerms:
    """`settings`: the hyperparameters that a study names, each with one of its values.

    `metrics`: those that it names, with the better direction if it states one; `selection`: the validation
    metric that chooses checkpoints; empty if the study leaves that to the trainable.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Direction | None] = field(default_factory=dict)
    selection: str = ""
