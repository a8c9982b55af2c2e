"""Training of the counterfactual GAN, epoch by epoch (S1, 3.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import torch

from trainables.batches import make_loader
from trainables.contract import Collapsed, Report, Run, require_finite
from trainables.counterfactual_gan.config import Config
from trainables.counterfactual_gan.evaluation.extracting import extractor
from trainables.counterfactual_gan.evaluation.gallery import galleries
from trainables.counterfactual_gan.evaluation.judges import judges
from trainables.counterfactual_gan.evaluation.measurements import measure
from trainables.counterfactual_gan.settings.optimisation import turns
from trainables.counterfactual_gan.training.networks import Networks
from trainables.counterfactual_gan.training.stability import Watch
from trainables.counterfactual_gan.training.updates import update
from trainables.datasets.augmentation import augment
from trainables.datasets.config import dataset_of
from trainables.defects.splits import BalancedSampler, splits
from trainables.device.arithmetic import float32_products
from trainables.evaluation.masks import mask_curve, regions
from trainables.joint_batch import JointBatch
from trainables.models.generators.generator import Generator
from trainables.randomness import BatchPart, Share, global_stream, stream


def train(config: Config, run: Run) -> Iterator[Report]:
    """Train and yield after every epoch; continues from `run.resume()` as if it had not been interrupted.

    Raises `Collapsed` with images if the alarm of `stability` lasts, `Diverged` if a loss is no longer
    finite.
    """
    data = splits(config, run.data(dataset_of(config)), run.device)
    networks = Networks.start(config, run, data.shape)
    panel = judges(config, data, run)
    features = extractor(config, panel, data.shape)
    state = networks.resume(run)
    watch = Watch(config, int(state["alarm_lasted"]) if state else 0)
    order = BalancedSampler(data.train.labels, run.seed, balanced=config.balanced_sampling)
    loader = run.prepare_loader(make_loader(data.train, order, config.batch_size))
    for epoch in range(int(state["epoch"]) if state else 0, config.epochs):
        order.set_epoch(epoch)
        metrics = train_epoch(config, run, networks, loader, len(order), epoch)
        model = networks.evaluated(run)
        measured = measure(model, data.validation, panel, features, run)
        scores = measured.scores() | measured.changed()
        scores |= measured.distances(features.distance)
        if measured.masks is not None:
            damaged = measured.labels == 1
            marked = regions(measured.masks[damaged])
            if bool(marked.positive.any()):  # small defects may vanish with an image's size
                scores["iou"] = mask_curve(measured.changes[damaged], *marked).best().iou
        metrics |= {f"validation/{name}": value for name, value in scores.items()}
        if why := watch.verdict(metrics, epoch + 1):
            raise Collapsed(why, galleries(model, data.validation))
        shown = config.gallery_epochs and (epoch + 1) % config.gallery_epochs == 0
        yield Report(
            metrics,
            images=galleries(model, data.validation) if shown else {},
            state={
                **networks.state(run),
                "epoch": epoch + 1,
                "alarm_lasted": watch.lasted,
                "seed": run.seed,
                "shape": list(data.shape),
            },
        )


def train_epoch(
    config: Config, run: Run, networks: Networks, loader: Any, samples: int, epoch: int
) -> dict[str, float]:
    """One pass over so many training images; gives the epoch's mean losses, by term."""
    d_turns, g_turns = turns(config.update_ratio)
    period = max(d_turns, g_turns)
    drawn = stream(run.seed, "augmentation 0", epoch)  # one for all ranks, which draw for whole batches
    generator, share = cast(Generator, run.unwrap(networks.generator)), Share(run.rank, run.world_size)
    sums: dict[str, torch.Tensor] = {}
    counts: dict[str, int] = {}
    networks.generator.train()
    networks.discriminator.train()
    with global_stream(run, "generator", epoch, together=True), float32_products(tf32=config.tf32):
        for index, (images, labels) in enumerate(loader):
            images, labels = images.to(run.device), labels.to(run.device)
            part = BatchPart(share, min(config.batch_size, samples - index * config.batch_size))
            generator.share_draws(part)
            if config.augmentation != "none":
                images = augment(images, drawn, part=part)
            batch = epoch * len(loader) + index
            losses = update(
                config,
                networks.generator,
                networks.discriminator,
                networks.generator_optimizer,
                networks.discriminator_optimizer,
                images,
                labels,
                run.unwrap,
                train_discriminator=is_turn(batch, d_turns, period),
                train_generator=is_turn(batch, g_turns, period),
                joint=JointBatch.of(labels, run),
            )
            networks.average(run, generator=bool(losses.generator), discriminator=losses.discriminator is not None)
            for name, value in losses.named():
                # summed on the device and read once per epoch: reading it per batch would stall a GPU
                sums[name] = sums.get(name, torch.zeros((), device=run.device)) + value
                counts[name] = counts.get(name, 0) + 1
    generator.share_draws(None)
    return {
        f"train/loss.{name}": require_finite(f"train/loss.{name}", run.mean(float(sums[name])) / counts[name])
        for name in sums
    }


def is_turn(batch: int, turns_of_it: int, period: int) -> bool:
    """Whether a network that is updated `turns_of_it` times in `period` batches is in this one; evenly spread."""
    return (batch + 1) * turns_of_it // period > batch * turns_of_it // period
