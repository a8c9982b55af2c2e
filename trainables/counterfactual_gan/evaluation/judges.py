"""Plain classifiers, trained without any GAN: judges, the same for every arm, and twins of a trial's own networks."""

from __future__ import annotations

from collections.abc import Callable
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


def judges(config: Config, data: Splits, run: Run) -> list[Discriminator]:
    """`config.judges` independent classifiers with two logits; of their own seeds, whatever the replicate's is.

    They are a measuring instrument, and so the same in every arm: always trained on both classes alike. Only arms that
    differ in augmentation have judges that do, too, whose fingerprints then differ.
    """
    return [_judge(config, data, run, number) for number in range(config.judges)]


def plain_discriminator(config: Config, data: Splits, run: Run, seed: int) -> Discriminator:
    """D's network with two logits, trained as a plain classifier."""

    def build() -> Discriminator:
        return discriminator_of(config, data.shape, seed, classes=2)

    names = ("discriminator", "discriminator_width", "norm", "fusion", "discriminator_pretrained")
    key = tuple(getattr(config, name) for name in names)
    judge = _trained(
        config, data, run, ("twin", seed, *key), build, lambda model: model, seed, config.balanced_sampling
    )
    assert isinstance(judge, Discriminator)
    return judge


def plain_generator(config: Config, data: Splits, run: Run, seed: int) -> Generator:
    """G's network, its class branch trained as a plain classifier; it is used through `classify`."""

    def build() -> Generator:
        return generator_of(config, data.shape, seed)

    # whatever builds a generator, and so draws its first weights
    names = [name for name in NetworkSettings.model_fields if not name.startswith(("discriminator", "fusion"))]
    key = tuple(getattr(config, name) for name in names)
    judge = _trained(
        config,
        data,
        run,
        ("branch", seed, *key),
        build,
        lambda model: model.classify,
        seed,
        config.balanced_sampling,
    )
    assert isinstance(judge, Generator)
    return judge


def train_classifier(
    model: nn.Module,
    logits_of: Callable[[Tensor], Tensor],
    samples: Samples,
    *,
    epochs: int,
    seed: int,
    balanced: bool,
    augmented: bool,
) -> None:
    """Train `model` in place on the cross-entropy of `logits_of`, (N, C, H, W) → (N, 2); leaves it in eval mode."""
    order = BalancedSampler(samples.labels, seed, balanced=balanced, purpose="classifier order")
    loader = make_loader(samples, order, BATCH)
    optimizer = torch.optim.Adam(model.parameters(), LR)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=max(1, epochs * len(loader)))
    model.train()
    devices = [samples.split.device] if samples.split.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(stream_seed(seed, "classifier"))
        for epoch in range(epochs):
            order.set_epoch(epoch)
            drawn = stream(seed, "classifier augmentation", epoch)
            for images, labels in loader:
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
    judge = _trained(config, data, run, key, build, lambda model: model, number, balanced=True)
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
) -> nn.Module:
    """The classifier of this key on these data, which the run keeps: judges serve all trials of a study."""

    def train() -> nn.Module:
        model: nn.Module = laid_out(build()).to(run.device)
        train_classifier(
            model,
            logits_of(model),
            data.train,
            epochs=config.judge_epochs,
            seed=seed,
            balanced=balanced,
            augmented=config.augmentation != "none",
        )
        return model

    chosen = (
        data.fingerprint, data.shape, config.positive, config.train_size, config.validation_fraction,
        config.judge_epochs, balanced, config.augmentation, str(run.device), torch.get_num_threads(),
    )  # fmt: skip
    return run.cached((*key, *chosen), train)
