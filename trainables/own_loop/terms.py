"""What a study says that a loop of one's own may leave open: its settings, and which metrics it looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trainables.contract import Direction


@dataclass(frozen=True)
class StudyTerms:
    """`settings` are the hyperparameters that a study names, each with a value that it gives to it.

    `metrics` are those that it names, with the better direction where it says one, and `selection` is the validation
    metric that chooses checkpoints; empty if the study leaves that to the trainable.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Direction | None] = field(default_factory=dict)
    selection: str = ""
