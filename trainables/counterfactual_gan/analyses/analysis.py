"""What an analysis of a trained GAN is given, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from trainables.counterfactual_gan.config import Config
from trainables.counterfactual_gan.measurements import Measured
from trainables.counterfactual_gan.model import CounterfactualModel
from trainables.defects.splits import Splits
from trainables.evaluation.features import FeatureExtractor
from trainables.models.discriminators.discriminator import Discriminator
from trainables.models.generators.generator import Generator


@dataclass(frozen=True)
class Tested:
    """A trained model with all that analyses compare it with."""

    config: Config
    data: Splits
    model: CounterfactualModel
    measured: Measured
    """On the test images."""
    panel: list[Discriminator]
    features: FeatureExtractor
    d_twin: Discriminator | None
    g_twin: Generator | None


@dataclass
class Findings:
    """Metrics named without their split, arrays, pictures, and what they rest on."""

    metrics: dict[str, float] = field(default_factory=dict)
    arrays: dict[str, Any] = field(default_factory=dict)
    images: dict[str, Any] = field(default_factory=dict)
    fingerprints: dict[str, Any] = field(default_factory=dict)

    def add(self, other: Findings) -> None:
        """Take over what another analysis found."""
        self.metrics |= other.metrics
        self.arrays |= other.arrays
        self.images |= other.images
        self.fingerprints |= other.fingerprints
