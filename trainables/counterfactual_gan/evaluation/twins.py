"""Twins: a trial's own networks, trained as plain classifiers for as long (S1, Table 2)."""

from __future__ import annotations

from trainables.contract import Run
from trainables.counterfactual_gan.config import Config
from trainables.counterfactual_gan.evaluation.shared_classifiers import Budget, batches_of, shared_classifier
from trainables.counterfactual_gan.model import discriminator_of, generator_of
from trainables.counterfactual_gan.settings.networks import NetworkSettings
from trainables.counterfactual_gan.settings.optimisation import turns
from trainables.defects.splits import Splits
from trainables.models.discriminators.discriminator import Discriminator
from trainables.models.generators.generator import Generator

OF_DISCRIMINATOR = ("discriminator", "fusion", "norm")
"""Prefix of the settings that D is built from."""


def plain_discriminator(config: Config, data: Splits, run: Run, seed: int) -> Discriminator:
    """D's network with two logits, trained as a plain classifier with as many updates as D had, of as many images."""
    settings = [name for name in NetworkSettings.model_fields if name.startswith(OF_DISCRIMINATOR)]
    return shared_classifier(
        config,
        data,
        run,
        ("twin", *(getattr(config, name) for name in settings)),
        lambda: discriminator_of(config, data.shape, seed, classes=2),
        lambda model: model,
        seed=seed,
        balanced=config.balanced_sampling,
        budget=budget_of(config, data, turns(config.update_ratio)[0]),
    )


def plain_generator(config: Config, data: Splits, run: Run, seed: int) -> Generator:
    """G's network, its class branch trained as a plain classifier with as many updates as G had, of as many images.

    It is used through `classify`.
    """
    # the settings that build a generator, and so draw its first weights
    settings = [name for name in NetworkSettings.model_fields if not name.startswith(OF_DISCRIMINATOR[:2])]
    return shared_classifier(
        config,
        data,
        run,
        ("branch", *(getattr(config, name) for name in settings)),
        lambda: generator_of(config, data.shape, seed),
        lambda model: model.classify,
        seed=seed,
        balanced=config.balanced_sampling,
        budget=budget_of(config, data, turns(config.update_ratio)[1]),
    )


def budget_of(config: Config, data: Splits, turns_of_it: int) -> Budget:
    """The training of a network of the GAN that is updated `turns_of_it` times in a period of batches."""
    batches = config.epochs * batches_of(data, config.batch_size)
    return Budget(max(1, batches * turns_of_it // max(turns(config.update_ratio))), config.batch_size)
