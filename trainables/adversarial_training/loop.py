"""Adversarial training, epoch by epoch (S3, eq. 5 and 6)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer
from torch.utils.data import DataLoader

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.data import Samples, dataset_of, parts
from trainables.adversarial_training.evaluation import measure
from trainables.adversarial_training.model import build, detached
from trainables.adversarial_training.perturbation import Perturber
from trainables.adversarial_training.randomness import EpochOrder, stream
from trainables.contract import Report, Run, require_finite

Batch = tuple[Tensor, Tensor]


def train(config: Config, run: Run) -> Iterator[Report]:
    """Train and yield after every epoch; goes on from `run.resume()` as if nothing had happened.

    Raises `Diverged` when the loss leaves the finite numbers.
    """
    data = parts(config, run.data(dataset_of(config)), run.device)
    model = run.prepare(build(config, data.shape, data.classes, run.seed))
    optimizer = make_optimizer(config, model)
    done = _restore(run, model, optimizer)
    order = EpochOrder(len(data.train), run.seed)
    loader = run.prepare_loader(make_loader(config, data.train, order))
    for epoch in range(done, config.epochs):
        order.set_epoch(epoch)
        metrics = train_epoch(config, run, model, optimizer, loader, epoch)
        bare = run.unwrap(model)
        metrics |= measure(config, bare, data.validation).metrics("validation")
        yield Report(
            metrics,
            state={
                "model": detached(bare.state_dict()),
                "optimizer": detached(optimizer.state_dict()),
                "epoch": epoch + 1,
                "seed": run.seed,
                "shape": list(data.shape),
                "classes": list(data.classes),
            },
        )


def train_epoch(
    config: Config, run: Run, model: nn.Module, optimizer: Optimizer, loader: DataLoader[Batch], epoch: int
) -> dict[str, float]:
    """One pass over the training images on their perturbations; the epoch's mean loss and accuracy under them."""
    perturb = Perturber(config, run.seed, epoch, run.rank, run.world_size)
    samples = len(loader.dataset)  # type: ignore[arg-type]
    loss_sum = torch.zeros((), dtype=torch.float64, device=run.device)
    right = torch.zeros((), dtype=torch.float64, device=run.device)
    seen = 0
    model.train()
    for index, (images, labels) in enumerate(loader):
        images, labels = images.to(run.device), labels.to(run.device)
        progress = epoch + index / len(loader)
        for group in optimizer.param_groups:
            group["lr"] = config.lr * lr_factor(config, progress)
        whole = min(config.batch_size, samples - index * config.batch_size)
        eta = perturb(run.unwrap(model), images, labels, epsilon_at(config, progress + 1 / len(loader)), whole)
        logits = model(images + eta)
        loss = training_loss(config, logits, labels)
        optimizer.zero_grad()
        # ranks average their gradients; one with more of an uneven batch counts for more, as it would alone
        (loss * (run.world_size * len(images) / whole)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        # summed on the device and looked at once per epoch: a look per batch would stall a GPU, and ranks of a
        # distributed run must find out together
        loss_sum += loss.detach() * len(images)
        right += (logits[0].detach().argmax(1) == labels[:, 0]).sum()
        seen += len(images)
    seen_by_each = run.mean(float(seen))
    return {
        "train/loss": require_finite("train/loss", run.mean(float(loss_sum)) / seen_by_each),
        "train/adversarial_accuracy": run.mean(float(right)) / seen_by_each,
    }


def training_loss(config: Config, logits: Sequence[Tensor], labels: Tensor) -> Tensor:
    """The batch's mean cross-entropy, its weighted mean over tasks or its weighted sum (S3, eq. 4 to 6).

    A mean, so that auxiliary tasks, or their absence, change no gradient's scale.
    """
    losses = [F.cross_entropy(head, labels[:, task]) for task, head in enumerate(logits)]
    # by 0, too: every rank's reducer waits for the gradients of all heads
    total = losses[0] + sum(config.auxiliary_weight * loss for loss in losses[1:])
    return total / (1 + config.auxiliary_weight * (len(losses) - 1)) if config.task_reduction == "mean" else total


def make_optimizer(config: Config, model: nn.Module) -> Optimizer:
    """The optimiser of a configuration over all weights."""
    if config.optimizer == "sgd":
        return SGD(model.parameters(), config.lr, momentum=config.momentum, weight_decay=config.weight_decay)
    return Adam(model.parameters(), config.lr, weight_decay=config.weight_decay)


def make_loader(config: Config, samples: Samples, order: EpochOrder) -> DataLoader[Batch]:
    """Batches (B, C, H, W) and (B, 1 + M) in `order`, which depends on seed and epoch only."""
    return DataLoader(
        samples,
        batch_size=config.batch_size,
        sampler=order,
        collate_fn=_as_they_are,
        # unused by us, but without one torch would draw from the global generator
        generator=stream(order.seed, "loader"),
    )


def lr_factor(config: Config, progress: float) -> float:
    """The share of the peak learning rate after `progress` epochs."""
    share = progress / config.epochs
    if config.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * share))
    if config.schedule == "cyclic":
        # the first batch of a rise from 0 would be lost; a hundredth of the peak stands for "almost nothing"
        return max(0.01, share / 0.4 if share < 0.4 else (1 - share) / 0.6)
    return 1.0


def epsilon_at(config: Config, progress: float) -> float:
    """ε after `progress` epochs: it grows linearly over the warm-up."""
    return config.epsilon * min(1.0, progress / config.epsilon_warmup) if config.epsilon_warmup else config.epsilon


def _restore(run: Run, model: nn.Module, optimizer: Optimizer) -> int:
    """Put a stored state into model and optimiser; how many epochs it had done."""
    state: Mapping[str, Any] | None = run.resume()
    if state is None:
        return 0
    if state["seed"] != run.seed:
        raise ValueError(f"the stored state is of seed {state['seed']}, and this run has seed {run.seed}")
    run.unwrap(model).load_state_dict(state["model"])
    optimizer.load_state_dict(detached(state["optimizer"]))  # it keeps the tensors it is given, and trains on them
    return int(state["epoch"])


def _as_they_are(batch: Any) -> Any:
    return batch
