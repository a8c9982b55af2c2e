"""How much a trial computes and stores, estimated before anything runs. Imports no torch."""

from __future__ import annotations

from trainables.datasets.config import known_facts
from trainables.defects.cost import TRAINED, UNKNOWN
from trainables.models.generators.sizes import generator_size
from trainables.segmentation.config import Config


def estimate(config: Config) -> tuple[float, int]:
    """Multiply-adds of a whole trial, and bytes of one stored state; the generator's class branch is included."""
    facts = known_facts(config.dataset) or UNKNOWN
    channels, height, width = facts.shape
    if config.image_size is not None:
        height = width = config.image_size
    size = generator_size(
        config.network,
        (1 if config.grey else channels, height, width),
        width=config.width,
        levels=config.levels,
        noise_channels=0,
        noise_dim=1,
        quantised=False,
        upsampling="nearest",
    )
    trained = min(config.train_size or facts.train, facts.train)
    tested = min(config.test_size or facts.test, facts.test)
    passes = config.epochs * trained * (TRAINED + config.validation_fraction) + 2 * tested
    return float(size.macs * passes), 12 * size.parameters
