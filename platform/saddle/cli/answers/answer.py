"""What all answers have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

Settings = Mapping[str, Any]
"""Hyperparameters by their names."""
Metrics = Mapping[str, float | None]
"""Measurements by their names, such as `test/clean_accuracy`; null is not a finite number."""


class Answer(BaseModel):
    """An object whose named fields stay; later versions of saddle may add further ones within the same version."""

    model_config = ConfigDict(extra="allow")
