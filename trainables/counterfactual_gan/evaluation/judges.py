"""Judges: independent classifiers, trained without any GAN and the same for every arm."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.attacks.frozen import frozen
from trainables.contract import Run
from trainables.counterfactual_gan.config import Config
from trainables.counterfactual_gan.evaluation.shared_classifiers import Budget, batches_of, shared_classifier
from trainables.defects.splits import Splits
from trainables.models.discriminators.building import build_discriminator
from trainables.models.discriminators.discriminator import Discriminator
from trainables.randomness import stream_seed

BATCH = 32


def judges(config: Config, data: Splits, run: Run) -> list[Discriminator]:
    """`config.judges` independent classifiers with two logits, with seeds that don't depend on the replicate's.

    They are a measuring instrument, and so the same in every arm: always trained on both classes equally, once for all
    trials of a study. Only arms with different augmentation have different judges, and their fingerprints then differ.
    """
    budget = Budget(config.judge_epochs * batches_of(data, BATCH), BATCH)
    return [_judge(config, data, run, number, budget) for number in range(config.judges)]


def panel_logits(panel: list[Discriminator], images: Tensor, batch: int = 500) -> Tensor:
    """The logits (J, N, 2) of all judges on images (N, C, H, W)."""
    judges = []
    for judge in panel:
        with frozen(judge), torch.no_grad():
            judges.append(torch.cat([judge(part) for part in torch.split(images, batch)]))
    return torch.stack(judges)


def _judge(config: Config, data: Splits, run: Run, number: int, budget: Budget) -> Discriminator:
    def build() -> Discriminator:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream_seed(number, "judge"))
            return build_discriminator(config.judge, data.shape, 2, width=config.judge_width)

    return shared_classifier(
        config,
        data,
        run,
        ("judge", config.judge, config.judge_width),
        build,
        lambda model: model,
        seed=number,
        balanced=True,
        budget=budget,
    )
