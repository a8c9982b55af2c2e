"""Plain classifiers, trained without any GAN: judges, the same for every arm, and twins of a trial's own networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.attacks.frozen import frozen
from trainables.batches import make_loader
from trainables.contract import Run
from trainables.counterfactual_gan.config import Config
from trainables.counterfactual_gan.model import discriminator_of, generator_of, laid_out
from trainables.counterfactual_gan.settings.networks import NetworkSettings
from trainables.counterfactual_gan.settings.optimisation import turns
from trainables.datasets.augmentation import augment
from trainables.datasets.sampling.samples import Samples
from trainables.defects.splits import BalancedSampler, Splits
from trainables.models.discriminators.building import build_discriminator
from trainables.models.discriminators.discriminator import Discriminator
from trainables.models.generators.generator import Generator
from trainables.randomness import stream, stream_seed

LR = 1e-3
"""Adam's, on a one-cycle schedule; a plain classifier needs no balance with an opponent."""
BATCH = 32
"""A judge's; twins have that of the networks that they are compared with."""


def judges(config: Config, data: Splits, run: Run) -> list[Discriminator]:
    """`config.judges` independent classifiers with two logits; of their own seeds, whatever the replicate's is.

    They are a measuring instrument, and so the same in every arm: always trained on both classes alike. Only arms that
    differ in augmentation have judges that do, too, whose fingerprints then differ.
    """
    return [_judge(config, data, run, number) for number in range(config.judges)]


def plain_discriminator(config: Config, data: Splits, run: Run, seed: int) -> Discriminator:
    """D's network with two logits, trained as a plain classifier with as many updates as D had, of as many images."""

    def build() -> Discriminator:
        return discriminator_of(config, data.shape, seed, classes=2)

    names = ("discriminator", "discriminator_width", "norm", "fusion", "discriminator_pretrained")
    key = tuple(getattr(config, name) for name in names)
    twin = _trained(
        config,
        data,
        run,
        ("twin", seed, *key),
        build,
        lambda model: model,
        seed,
        config.balanced_sampling,
        _budget(config, data, turns(config.update_ratio)[0]),
    )
    assert isinstance(twin, Discriminator)
    return twin


def plain_generator(config: Config, data: Splits, run: Run, seed: int) -> Generator:
    """G's network, its class branch trained as a plain classifier with as many updates as G had.

    It is used through `classify`.
    """

    def build() -> Generator:
        return generator_of(config, data.shape, seed)

    # whatever builds a generator, and so draws its first weights
    names = [name for name in NetworkSettings.model_fields if not name.startswith(("discriminator", "fusion"))]
    key = tuple(getattr(config, name) for name in names)
    twin = _trained(
        config,
        data,
        run,
        ("branch", seed, *key),
        build,
        lambda model: model.classify,
        seed,
        config.balanced_sampling,
        _budget(config, data, turns(config.update_ratio)[1]),
    )
    assert isinstance(twin, Generator)
    return twin


@dataclass(frozen=True)
class Budget:
    """How long a classifier trains: updates of so many images each."""

    updates: int
    batch_size: int


def _budget(config: Config, data: Splits, turns_of_it: int) -> Budget:
    """What a network of the GAN has that is updated `turns_of_it` times in a period of batches."""
    order = BalancedSampler(data.train.labels, 0, balanced=config.balanced_sampling)
    batches = config.epochs * len(make_loader(data.train, order, config.batch_size))
    return Budget(max(1, batches * turns_of_it // max(turns(config.update_ratio))), config.batch_size)


def train_classifier(
    model: nn.Module,
    logits_of: Callable[[Tensor], Tensor],
    samples: Samples,
    *,
    budget: Budget,
    seed: int,
    balanced: bool,
    augmented: bool,
) -> None:
    """Train `model` in place on the cross-entropy of `logits_of`, (N, C, H, W) → (N, 2); leaves it in eval mode."""
    order = BalancedSampler(samples.labels, seed, balanced=balanced, purpose="classifier order")
    loader = make_loader(samples, order, budget.batch_size)
    optimizer = torch.optim.Adam(model.parameters(), LR)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=budget.updates)
    model.train()
    devices = [samples.split.device] if samples.split.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(stream_seed(seed, "classifier"))
        for epoch, first in enumerate(range(0, budget.updates, len(loader))):
            order.set_epoch(epoch)
            drawn = stream(seed, "classifier augmentation", epoch)
            for images, labels in islice(loader, budget.updates - first):
                seen = augment(images, drawn) if augmented else images
                loss = F.cross_entropy(logits_of(seen), labels)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
    model.eval()


def panel_logits(panel: list[Discriminator], images: Tensor, batch: int = 500) -> Tensor:
    """The logits (J, N, 2) of all judges on images (N, C, H, W)."""
    judges = []
    for judge in panel:
        with frozen(judge), torch.no_grad():
            judges.append(torch.cat([judge(part) for part in torch.split(images, batch)]))
    return torch.stack(judges)


def _judge(config: Config, data: Splits, run: Run, number: int) -> Discriminator:
    def build() -> Discriminator:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream_seed(number, "judge"))
            return build_discriminator(config.judge, data.shape, 2, width=config.judge_width)

    key = ("judge", number, config.judge, config.judge_width)
    order = BalancedSampler(data.train.labels, number, balanced=True)
    budget = Budget(config.judge_epochs * len(make_loader(data.train, order, BATCH)), BATCH)
    judge = _trained(config, data, run, key, build, lambda model: model, number, True, budget)
    assert isinstance(judge, Discriminator)
    return judge


def _trained(
    config: Config,
    data: Splits,
    run: Run,
    key: tuple[Any, ...],
    build: Callable[[], Any],
    logits_of: Callable[[Any], Callable[[Tensor], Tensor]],
    seed: int,
    balanced: bool,
    budget: Budget,
) -> nn.Module:
    """The classifier of this key on these data, which the run keeps: judges serve all trials of a study."""

    def train() -> nn.Module:
        model: nn.Module = laid_out(build()).to(run.device)
        train_classifier(
            model,
            logits_of(model),
            data.train,
            budget=budget,
            seed=seed,
            balanced=balanced,
            augmented=config.augmentation != "none",
        )
        return model

    chosen = (
        data.fingerprint, data.shape, config.positive, config.train_size, config.validation_fraction,
        budget, balanced, config.augmentation, str(run.device), torch.get_num_threads(),
    )  # fmt: skip
    return run.cached((*key, *chosen), train)
