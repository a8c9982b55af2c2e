"""What an analysis of a trained GAN gets: everything to compare. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainables.counterfactual_gan.config import Config
    from trainables.counterfactual_gan.evaluation.measurements import Measured
    from trainables.counterfactual_gan.model import CounterfactualModel
    from trainables.defects.splits import Splits
    from trainables.evaluation.features import FeatureExtractor
    from trainables.models.discriminators.discriminator import Discriminator
    from trainables.models.generators.generator import Generator


@dataclass(frozen=True)
class TrainedGAN:
    """A trained model with everything that analyses compare it with."""

    config: Config
    data: Splits
    model: CounterfactualModel
    measured: Measured
    """The measurements on the test images."""
    panel: list[Discriminator]
    features: FeatureExtractor
    d_twin: Discriminator | None
    g_twin: Generator | None
