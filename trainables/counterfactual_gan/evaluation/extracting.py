"""Feature extractors for distances between sets of images."""

from __future__ import annotations

from trainables.counterfactual_gan.config import Config
from trainables.evaluation.features import FeatureExtractor, of_classifier
from trainables.models.discriminators.discriminator import Discriminator


def extractor(config: Config, panel: list[Discriminator], shape: tuple[int, int, int]) -> FeatureExtractor:
    """The first judge's features, or Inception's; raises `WeightsError` where those are not available."""
    if config.features == "judge":
        return of_classifier(panel[0], shape, name=f"judge ({config.judge}, width {config.judge_width})")
    from trainables.evaluation.inception import inception

    device = next(panel[0].parameters()).device
    return inception(config.inception_weights, dimensions=config.inception_dimensions, device=device)
