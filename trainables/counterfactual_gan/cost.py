"""How much a trial computes and stores, estimated before anything runs. Imports no torch."""

from __future__ import annotations

from trainables.counterfactual_gan.analysis_table import ANALYSES
from trainables.counterfactual_gan.config import Config
from trainables.counterfactual_gan.settings.optimisation import turns
from trainables.datasets.config import known_facts
from trainables.defects.cost import TRAINED, UNKNOWN
from trainables.models.discriminators.sizes import discriminator_size
from trainables.models.generators.sizes import generator_size


def estimate(config: Config) -> tuple[float, int]:
    """Multiply-adds of a whole trial, judges included, and bytes of one stored state."""
    facts = known_facts(config.dataset) or UNKNOWN
    channels, height, width = facts.shape
    if config.image_size is not None:
        height = width = config.image_size
    shape = (1 if config.grey else channels, height, width)
    generator = generator_size(
        config.generator,
        shape,
        width=config.generator_width,
        levels=config.generator_levels,
        noise_channels=config.noise_channels,
        noise_dim=config.noise_dim,
        quantised=config.quantised,
        upsampling=config.last_upsampling,
    )
    discriminator = discriminator_size(
        config.discriminator, shape, 3, width=config.discriminator_width, fusion=config.fusion
    )
    judge = discriminator_size(config.judge, shape, 2, width=config.judge_width)
    trained = min(config.train_size or facts.train, facts.train)
    held_out = config.validation_fraction * trained
    tested = min(config.test_size or facts.test, facts.test)
    d_turns, g_turns = turns(config.update_ratio)
    d_share, g_share = d_turns / max(d_turns, g_turns), g_turns / max(d_turns, g_turns)
    per_image = generator.macs * (1 + g_share * (TRAINED * config.half_cycles - 1))
    per_image += discriminator.macs * (2 * TRAINED * d_share + 2 * config.half_cycles * g_share)
    look = generator.macs + 2 * discriminator.macs + 2 * config.judges * judge.macs
    macs = config.epochs * (trained * per_image + held_out * look) + tested * look
    macs += config.judges * config.judge_epochs * trained * TRAINED * judge.macs
    if config.twins:
        macs += config.epochs * trained * TRAINED * (d_share * discriminator.macs + g_share * generator.macs)
    sizes = {"discriminator": discriminator, "generator": generator}
    macs += sum(passes * sizes[network].macs for network, passes in ANALYSES.cost(config, tested).items())
    copies = [3 + (decay > 0) for decay in (config.generator_average, config.discriminator_average)]  # Adam keeps two
    return float(macs), 4 * (copies[0] * generator.parameters + copies[1] * discriminator.parameters)
