"""What is minimised, and how: training loss, optimiser and learning rate."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from trainables.adversarial_training.config import Config
from trainables.models.angular import with_angular_margin


def training_loss(config: Config, logits: Sequence[Tensor], labels: Tensor) -> Tensor:
    """The batch's mean cross-entropy, its weighted mean over tasks or its weighted sum (S3, eq. 4 to 6).

    A mean, so that the number of auxiliary tasks doesn't change the gradient's scale. An `angular_margin` is the main
    task's alone: it is about the classes whose distances S3 discusses, and STA has no other task.
    """
    main = with_angular_margin(logits[0], labels[:, 0], config.angular_margin, config.angular_scale)
    return over_tasks(
        config,
        [
            F.cross_entropy(head, labels[:, task], label_smoothing=config.label_smoothing)
            for task, head in enumerate([main, *logits[1:]])
        ],
    )


def over_tasks(config: Config, losses: Sequence[Tensor]) -> Tensor:
    """The weighted mean over tasks of their losses, or the weighted sum (S3, eq. 4 to 6)."""
    # also by 0: every rank's reducer waits for the gradients of all heads
    total = losses[0] + sum(config.auxiliary_weight * loss for loss in losses[1:])
    return total / (1 + config.auxiliary_weight * (len(losses) - 1)) if config.task_reduction == "mean" else total


def make_optimizer(config: Config, model: nn.Module) -> Optimizer:
    """The optimiser of a configuration over all weights."""
    if config.optimizer == "sgd":
        return SGD(model.parameters(), config.lr, momentum=config.momentum, weight_decay=config.weight_decay)
    return Adam(model.parameters(), config.lr, weight_decay=config.weight_decay)


def lr_factor(config: Config, progress: float) -> float:
    """The share of the peak learning rate after `progress` epochs."""
    share = progress / config.epochs
    if config.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * share))
    if config.schedule == "cyclic":
        # a rise from 0 would waste the first batch; a hundredth of the peak stands for "almost nothing"
        return max(0.01, share / 0.4 if share < 0.4 else (1 - share) / 0.6)
    if config.schedule == "piecewise":
        return 0.01 if share >= 0.75 else 0.1 if share >= 0.5 else 1.0
    return 1.0
