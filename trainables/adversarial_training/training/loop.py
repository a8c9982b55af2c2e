"""Adversarial training, epoch by epoch (S3, eq. 5 and 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from trainables import batches
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.data import splits
from trainables.adversarial_training.model import build, compiled
from trainables.adversarial_training.perturbations.table import KINDS
from trainables.adversarial_training.settings.evaluation import EPOCH_SECONDS
from trainables.adversarial_training.training.distillation import TEACHER_INIT, Distillation
from trainables.adversarial_training.training.early_stopping import EarlyStopping
from trainables.adversarial_training.training.epoch import EpochBatches
from trainables.adversarial_training.training.epsilon import epsilon_at, full_epsilon
from trainables.adversarial_training.training.labels import with_random_labels
from trainables.adversarial_training.training.objective import Objective
from trainables.adversarial_training.training.optimisation import lr_factor, make_optimizer
from trainables.adversarial_training.training.phases import phase_of
from trainables.adversarial_training.training.step import take_step
from trainables.adversarial_training.training.validation import Validation
from trainables.adversarial_training.training.weight_averages import Averaging
from trainables.contract import Report, Run, require_finite
from trainables.datasets.config import dataset_of
from trainables.datasets.sampling.samples import Samples
from trainables.device.arithmetic import float32_products
from trainables.device.state_copy import begin_copy
from trainables.models.multi_task import MultiTaskNetwork
from trainables.randomness import EpochOrder, global_stream
from trainables.states import detached

Batch = tuple[Tensor, Tensor]


def train(config: Config, run: Run) -> Iterator[Report]:
    """Train and yield after every epoch; continues from `run.resume()` as if it had not been interrupted.

    Raises `Diverged` when the loss is no longer finite.
    """
    data = splits(config, run.data(dataset_of(config)), run.device)
    random_labels = KINDS[config.perturbation].random_labels
    training = with_random_labels(data.train) if random_labels else data.train
    purpose = TEACHER_INIT if phase_of(config, 0).trains_teacher else "init"
    model = build(config, data.shape, data.classes, run.seed, purpose)
    if config.channels_last:
        model = model.to(memory_format=torch.channels_last)
    averaging = Averaging(config, model.to(run.device))
    model = run.prepare(compiled(model, config.compile, attack_step=config.compile_attack))
    optimizer = make_optimizer(config, model)
    distillation = Distillation(config, run, data.shape, data.classes)
    resumed = _restore(run, model, optimizer, averaging, distillation)
    first_epoch = int(resumed["epoch"]) if resumed else 0
    epsilon = float(resumed["epsilon"]) if resumed else full_epsilon(config, training)
    validation = Validation(config, run, data.validation, resumed, epsilon)
    stopping = EarlyStopping(config, resumed)
    order = EpochOrder(len(training), run.seed)
    loader = run.prepare_loader(make_loader(config, training, order))
    bare = run.unwrap(model)
    for epoch in range(first_epoch, config.epochs):
        if stopping.is_over:
            return
        phase = phase_of(config, epoch)
        if epoch == phase.first > 0:
            distillation.begin_student((averaging.network or bare).state_dict(), bare)
            averaging.restart(bare)
            optimizer, stopping = make_optimizer(config, model), EarlyStopping(config)
        order.set_epoch(epoch)
        since = perf_counter()
        metrics = train_epoch(
            config, run, model, optimizer, loader, epoch, epsilon, averaging, distillation.objective()
        )
        averaging.after_epoch(bare, phase, epoch)
        trained = {"model": bare.state_dict(), "optimizer": optimizer.state_dict()}
        # copied while it is validated, which doesn't change it
        copied = begin_copy({**trained, **averaging.state(), **distillation.state()}, run.device)
        if EPOCH_SECONDS in config.analyses:  # otherwise not, because reports must be reproducible
            metrics["train/epoch_seconds"] = _seconds(run, since)
        metrics |= validation.after(epoch + 1, averaging.network or bare)
        if validation.is_due(epoch + 1):
            stopping.watch(metrics)
        yield Report(
            metrics,
            state={
                **copied(),
                "epoch": epoch + 1,
                "epsilon": epsilon,
                "seed": run.seed,
                "shape": list(data.shape),
                "classes": list(data.classes),
                **stopping.state(),
                **validation.state(),
            },
            is_candidate=not phase.trains_teacher,
        )


def train_epoch(
    config: Config,
    run: Run,
    model: MultiTaskNetwork,
    optimizer: Optimizer,
    loader: DataLoader[Batch],
    epoch: int,
    epsilon: float,
    averaging: Averaging | None = None,
    objective: Objective | None = None,
) -> dict[str, float]:
    """One pass over the training images on their perturbations within `epsilon`, which the warm-up may make smaller.

    `averaging` follows every step. Gives the epoch's mean loss and accuracy on them, ε at its end, and their sizes as
    shares of that ε.
    """
    epoch_batches = EpochBatches(config, run, epoch)
    objective, phase, bare = objective or Objective(config), phase_of(config, epoch), run.unwrap(model)
    samples = len(loader.dataset)  # type: ignore[arg-type]
    loss_sum, right = (torch.zeros((), dtype=torch.float64, device=run.device) for _ in range(2))
    own_images = 0
    model.train()
    with global_stream(run, "dropout", epoch), float32_products(tf32=config.tf32):
        for index, (images, labels) in enumerate(loader):
            images, labels = images.to(run.device), labels.to(run.device)
            progress = epoch + index / len(loader)
            for group in optimizer.param_groups:
                group["lr"] = config.lr * lr_factor(config, phase.schedule_progress(config, progress))
            whole = min(config.batch_size, samples - index * config.batch_size)
            batch = epoch_batches.batch(
                bare, images, labels, epsilon_at(config, epsilon, progress + 1 / len(loader)), whole
            )
            # ranks average their gradients; one with more of an uneven batch has more weight, as in one process
            loss, logits = take_step(
                config, objective, model, bare, optimizer, batch, epoch, weight=run.world_size * len(images) / whole
            )
            if averaging is not None:
                averaging.after_step(bare, step=(epoch - phase.first) * len(loader) + index)
            # summed on the device and read once per epoch: reading it per batch would stall a GPU, and ranks of a
            # distributed run must see it at the same step
            loss_sum += loss.detach() * len(images)
            right += (logits[0].detach().argmax(1) == labels[:, 0]).sum()
            own_images += len(images)
    seen_by_each = run.mean(float(own_images))
    reached = epsilon_at(config, epsilon, epoch + 1)
    return {
        "train/loss": require_finite("train/loss", run.mean(float(loss_sum)) / seen_by_each),
        "train/adversarial_accuracy": run.mean(float(right)) / seen_by_each,
        "train/epsilon": reached,
    } | epoch_batches.perturb.sizes.metrics(run.mean, reached)


def make_loader(config: Config, samples: Samples, order: EpochOrder) -> DataLoader[Batch]:
    """Batches (B, C, H, W) and (B, 1 + M) in `order`, which depends on seed and epoch only."""
    return batches.make_loader(samples, order, config.batch_size)


def _seconds(run: Run, since: float) -> float:
    """Seconds of an epoch, the mean over ranks, once all of it is computed."""
    if run.device.type == "cuda":
        torch.cuda.synchronize(run.device)
    return run.mean(perf_counter() - since)


def _restore(
    run: Run, model: nn.Module, optimizer: Optimizer, averaging: Averaging, distillation: Distillation
) -> Mapping[str, Any] | None:
    """Put a stored state into model, optimiser, average and teacher; the state, or None if there is none."""
    state: Mapping[str, Any] | None = run.resume()
    if state is None:
        return None
    if state["seed"] != run.seed:
        raise ValueError(f"the stored state has seed {state['seed']}, but this run has seed {run.seed}")
    run.unwrap(model).load_state_dict(state["model"])
    averaging.restore(state)
    distillation.restore(state)
    optimizer.load_state_dict(detached(state["optimizer"]))  # it keeps these tensors, and trains on them
    return state
