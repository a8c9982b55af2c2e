"""Training on masks, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import Adam

from trainables.batches import make_loader
from trainables.contract import Report, Run, require_finite
from trainables.datasets.augmentation import augment
from trainables.defects.splits import BalancedSampler
from trainables.evaluation.masks import mask_scores, regions
from trainables.models.joint_batch_norm import total_over_ranks
from trainables.randomness import BatchPart, Share, stream
from trainables.segmentation.config import Config
from trainables.segmentation.data import Masked, masked_splits
from trainables.segmentation.evaluation import probabilities
from trainables.segmentation.model import build
from trainables.states import detached


def train(config: Config, run: Run) -> Iterator[Report]:
    """Train and yield after every epoch; continues from `run.resume()` as if it had not been interrupted."""
    data = masked_splits(config, run)
    model = run.prepare(build(config, data.shape, run.seed).to(run.device))
    optimizer = Adam(model.parameters(), config.lr)
    state: Mapping[str, Any] | None = run.resume()
    if state is not None:
        if state["seed"] != run.seed:
            raise ValueError(f"the stored state has seed {state['seed']}, but this run has seed {run.seed}")
        run.unwrap(model).load_state_dict(state["model"])
        optimizer.load_state_dict(detached(state["optimizer"]))
    order = BalancedSampler(data.train.labels, run.seed, balanced=config.balanced_sampling)
    total = total_over_ranks if run.world_size > 1 else None
    loader = run.prepare_loader(make_loader(Masked(data.train), order, config.batch_size))
    for epoch in range(int(state["epoch"]) if state else 0, config.epochs):
        order.set_epoch(epoch)
        model.train()
        drawn = stream(run.seed, "augmentation 0", epoch)  # one for all ranks, which draw for whole batches
        loss_sum, own_images = torch.zeros((), dtype=torch.float64, device=run.device), 0
        for index, (pixels, stored) in enumerate(loader):
            images, masks = pixels.to(run.device), stored.to(run.device)
            if config.augmentation != "none":
                whole = min(config.batch_size, len(order) - index * config.batch_size)
                part = BatchPart(Share(run.rank, run.world_size), whole)
                images, masks = augment(images, drawn, masks=masks, part=part)
            for group in optimizer.param_groups:
                group["lr"] = config.lr * (1 + math.cos(math.pi * (epoch + index / len(loader)) / config.epochs)) / 2
            loss = segmentation_loss(model(images), masks, config.dice_weight, total)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            loss_sum += loss.detach() * len(images)
            own_images += len(images)
        bare = run.unwrap(model)
        assert data.validation.masks is not None
        damaged = data.validation.labels.cpu() == 1
        marked = regions(data.validation.masks.cpu()[damaged])
        predicted = probabilities(bare, data.validation, run)[damaged]
        scores = mask_scores(predicted, marked.positive, 0.5, marked.ignored)
        yield Report(
            {
                "train/loss": require_finite("train/loss", run.mean(float(loss_sum) / own_images)),
                "validation/iou": scores.iou,
                "validation/mask_f1": scores.f1,
                "validation/mask_accuracy": scores.accuracy,
            },
            state={
                "model": detached(bare.state_dict()),
                "optimizer": detached(optimizer.state_dict()),
                "epoch": epoch + 1,
                "seed": run.seed,
                "shape": list(data.shape),
            },
        )


def segmentation_loss(
    logits: Tensor, masks: Tensor, dice_weight: float, total: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """Mean cross-entropy of the pixels that count, plus the soft Dice loss (Milletari et al., 2016) of the batch.

    `logits`: (N, H, W); `masks`: stored (N, H, W) uint8, whose middle values mark regions that don't count. `total`:
    the sum over ranks that share a batch; the loss is that of the whole batch on each of them.
    """
    marked = regions(masks)
    counted, wanted = ~marked.ignored, marked.positive.to(logits.dtype)
    pixels = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    predicted = torch.where(counted, torch.sigmoid(logits), 0)
    wanted = torch.where(counted, wanted, 0)
    sums = torch.stack(
        [
            torch.where(counted, pixels, 0).sum(),
            counted.sum().to(logits.dtype),
            (predicted * wanted).sum(),
            predicted.sum() + wanted.sum(),
        ]
    )
    entropy, count, both, either = sums if total is None else total(sums)
    dice = (2 * both + 1) / (either + 1)
    loss: Tensor = entropy / count.clamp(min=1) + dice_weight * (1 - dice)
    return loss
