"""Training of the counterfactual GAN, epoch by epoch (S1, 3.2)."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.optim import Adam, Optimizer

from trainables.contract import Collapsed, Report, Run, require_finite
from trainables.counterfactual_gan.classifiers import judges
from trainables.counterfactual_gan.config import Config
from trainables.counterfactual_gan.data import Order, dataset_of, make_loader, parts
from trainables.counterfactual_gan.extracting import extractor
from trainables.counterfactual_gan.gallery import galleries
from trainables.counterfactual_gan.measuring import measure
from trainables.counterfactual_gan.model import CounterfactualModel, discriminator_of, generator_of, laid_out
from trainables.counterfactual_gan.settings.optimisation import turns
from trainables.counterfactual_gan.stability import Watch
from trainables.counterfactual_gan.steps import update
from trainables.datasets.augmentation import augment
from trainables.datasets.dataset import Dataset
from trainables.evaluation.masks import mask_curve, regions
from trainables.randomness import global_stream, stream
from trainables.states import detached


def train(config: Config, run: Run) -> Iterator[Report]:
    """Train and yield after every epoch; goes on from `run.resume()` as if nothing had happened.

    Raises `Collapsed` with images where the alarm of `stability` lasts, `Diverged` where a loss leaves the finite
    numbers.
    """
    data = parts(config, run.data(dataset_of(config)), run.device)
    networks = Networks.start(config, run, data.shape)
    panel = judges(config, data, run.device)
    features = extractor(config, panel, data.shape)
    state = networks.resume(run)
    watch = Watch(config, int(state["alarm_lasted"]) if state else 0)
    order = Order(data.train.labels, run.seed, balanced=config.balanced_sampling)
    loader = run.prepare_loader(make_loader(data.train, order, config.batch_size))
    for epoch in range(int(state["epoch"]) if state else 0, config.epochs):
        order.set_epoch(epoch)
        metrics = train_epoch(config, run, networks, loader, epoch)
        model = networks.evaluated(run)
        measured = measure(model, data.validation, panel, features)
        found = measured.classification() | measured.validity() | measured.changed()
        found |= measured.distances(features.distance)
        if measured.masks is not None:
            marked = regions(measured.masks)
            found["iou"] = mask_curve(measured.changes, marked.positive, marked.ignored).best().iou
        metrics |= {f"validation/{name}": value for name, value in found.items()}
        if why := watch.verdict(metrics, epoch + 1):
            raise Collapsed(why, galleries(config, model, data.validation))
        yield Report(
            metrics,
            state={
                **networks.state(run),
                "epoch": epoch + 1,
                "alarm_lasted": watch.lasted,
                "seed": run.seed,
                "shape": list(data.shape),
            },
        )


def train_epoch(config: Config, run: Run, networks: Networks, loader: Any, epoch: int) -> dict[str, float]:
    """One pass over the training images; gives the epoch's mean losses, by term."""
    d_turns, g_turns = turns(config.update_ratio)
    period = max(d_turns, g_turns)
    drawn = stream(run.seed, f"augmentation {run.rank}", epoch)
    sums: dict[str, torch.Tensor] = {}
    counts: dict[str, int] = {}
    networks.generator.train()
    networks.discriminator.train()
    with global_stream(run, "generator", epoch):
        for index, (images, labels) in enumerate(loader):
            images, labels = images.to(run.device), labels.to(run.device)
            if config.augmentation != "none":
                images = augment(images, drawn)
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
            )
            if losses.generator:
                networks.average(config, run)
            for name, value in losses.named():
                # summed on the device and looked at once per epoch: a look per batch would stall a GPU
                sums[name] = sums.get(name, torch.zeros((), device=run.device)) + value
                counts[name] = counts.get(name, 0) + 1
    return {
        f"train/loss.{name}": require_finite(f"train/loss.{name}", run.mean(float(sums[name])) / counts[name])
        for name in sums
    }


def is_turn(batch: int, turns_of_it: int, period: int) -> bool:
    """Whether a network that is updated `turns_of_it` times in `period` batches is in this one; evenly spread."""
    return (batch + 1) * turns_of_it // period > batch * turns_of_it // period


class Networks:
    """Generator, discriminator, their optimisers, and the generator's moving average."""

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        averaged: nn.Module | None,
        generator_optimizer: Optimizer,
        discriminator_optimizer: Optimizer,
    ) -> None:
        self.generator, self.discriminator, self.averaged = generator, discriminator, averaged
        self.generator_optimizer, self.discriminator_optimizer = generator_optimizer, discriminator_optimizer

    @classmethod
    def start(cls, config: Config, run: Run, shape: tuple[int, int, int]) -> Networks:
        """Fresh networks of the run's seed on its device."""
        generator = laid_out(generator_of(config, shape, run.seed)).to(run.device)
        averaged = copy.deepcopy(generator).requires_grad_(False) if config.generator_average else None
        prepared = run.prepare(generator)
        discriminator = run.prepare(laid_out(discriminator_of(config, shape, run.seed)))
        return cls(
            prepared,
            discriminator,
            averaged,
            Adam(prepared.parameters(), config.generator_lr, betas=(config.beta1, 0.999)),
            Adam(discriminator.parameters(), config.discriminator_lr, betas=(config.beta1, 0.999)),
        )

    @torch.no_grad()
    def average(self, config: Config, run: Run) -> None:
        """Move the average a step towards the generator; buffers, such as codes, are taken over."""
        if self.averaged is None:
            return
        current = run.unwrap(self.generator)
        for mean, weight in zip(self.averaged.parameters(), current.parameters(), strict=True):
            mean.lerp_(weight, 1 - config.generator_average)
        for kept, buffer in zip(self.averaged.buffers(), current.buffers(), strict=True):
            kept.copy_(buffer)

    def evaluated(self, run: Run) -> CounterfactualModel:
        """The bare networks that are measured: the averaged generator where there is one."""
        generator = run.unwrap(self.generator) if self.averaged is None else self.averaged
        return CounterfactualModel(generator, run.unwrap(self.discriminator))  # type: ignore[arg-type]

    def state(self, run: Run) -> dict[str, Any]:
        """Weights and optimisers, copied to the CPU."""
        found = {
            "generator": run.unwrap(self.generator).state_dict(),
            "discriminator": run.unwrap(self.discriminator).state_dict(),
            "generator_optimizer": self.generator_optimizer.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
        }
        if self.averaged is not None:
            found["averaged"] = self.averaged.state_dict()
        return {name: detached(value) for name, value in found.items()}

    def resume(self, run: Run) -> Mapping[str, Any] | None:
        """Take over a stored state; it, or None where there is none."""
        state: Mapping[str, Any] | None = run.resume()
        if state is None:
            return None
        if state["seed"] != run.seed:
            raise ValueError(f"the stored state is of seed {state['seed']}, and this run has seed {run.seed}")
        run.unwrap(self.generator).load_state_dict(state["generator"])
        run.unwrap(self.discriminator).load_state_dict(state["discriminator"])
        # optimisers keep the tensors they are given, and train on them
        self.generator_optimizer.load_state_dict(detached(state["generator_optimizer"]))
        self.discriminator_optimizer.load_state_dict(detached(state["discriminator_optimizer"]))
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        return state


def check_data(config: Config, dataset: Dataset, device: Any) -> None:
    """Raise `DataError` where the dataset can't be trained on."""
    parts(config, dataset, device)
