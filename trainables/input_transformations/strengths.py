"""How strong each transformation of input is. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Strengths:
    """The parameters of the kinds, named as the hyperparameters, which have their ranges and units."""

    jpeg_quality: int = 75
    blur_sigma: float = 1.0
    median_size: int = 2
    squeezed_bits: int = 4
    preprocessing_noise: float = 0.1
    resize_share: float = 0.25

    @classmethod
    def of(cls, config: Any) -> Strengths:
        """The strengths of a configuration, which has a field of each name."""
        return cls(**{field.name: getattr(config, field.name) for field in fields(cls)})
