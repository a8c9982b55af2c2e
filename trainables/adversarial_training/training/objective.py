"""The loss of a training step, with its passes through the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.training.optimisation import over_tasks, training_loss
from trainables.device.arithmetic import autocast

LEAST_PROBABILITY = 1e-7
"""Lower bound of the mean prediction in the Jensen-Shannon divergence, as in AugMix's code."""

Logits = Sequence[Tensor]
"""(N, classes) of each task, the main one's first."""


@dataclass(frozen=True, eq=False)
class StepBatch:
    """A batch of training images (N, C, H, W), as augmented and as perturbed, and labels (N, 1 + M).

    `mixes`: two AugMix mixes of each image, (N, C, H, W) each, where their predictions should agree; else none.
    """

    images: Tensor
    adversarial: Tensor
    labels: Tensor
    mixes: Sequence[Tensor] = ()


@dataclass(frozen=True, eq=False)
class Objective:
    """What a configuration minimises; `teacher`: whose probabilities a student learns, in eval mode, if any.

    `temperature`: divides logits in the cross-entropy; 1 except in distillation.
    """

    config: Config
    temperature: float = 1.0
    teacher: nn.Module | None = None

    def __call__(self, model: nn.Module, batch: StepBatch) -> tuple[Tensor, Logits]:
        """The loss, a mean over the batch, and the logits of the perturbed images; takes one pass, or two for trades.

        Each pass has its own BatchNorm statistics, as in TRADES' code; mixes share the pass of the image that they are
        compared with, as in AugMix's.
        """
        is_trades = self.config.objective == "trades"
        first, *mixes = self._passed(model, [batch.images if is_trades else batch.adversarial, *batch.mixes])
        loss = self.label_loss(first, batch)
        if mixes:
            loss = loss + self.config.jsd_weight * jensen_shannon([first[0], *(logits[0] for logits in mixes)])
        if not is_trades:
            return loss, first
        [perturbed] = self._passed(model, [batch.adversarial])
        divergences = [divergence(clean, own) for clean, own in zip(first, perturbed, strict=True)]
        return loss + self.config.trades_beta * over_tasks(self.config, divergences), perturbed

    def label_loss(self, logits: Logits, batch: StepBatch) -> Tensor:
        """The cross-entropy to the labels, or of a student to its teacher's probabilities on the clean images."""
        softened = logits if self.temperature == 1 else [head / self.temperature for head in logits]
        if self.teacher is None:
            return training_loss(self.config, softened, batch.labels)
        with torch.no_grad():
            taught = [(head / self.temperature).softmax(1) for head in self.teacher(batch.images)]
        return over_tasks(
            self.config, [F.cross_entropy(own, target) for own, target in zip(softened, taught, strict=True)]
        )

    def _passed(self, model: nn.Module, views: Sequence[Tensor]) -> list[Logits]:
        """The logits, float32 or wider, of several batches of one size in one pass."""
        with autocast(self.config, views[0].device):
            answers = model(views[0] if len(views) == 1 else torch.cat([*views]))
        heads = [(logits.float() if self.config.mixed_precision else logits).chunk(len(views)) for logits in answers]
        return [list(parts) for parts in zip(*heads, strict=True)]


def divergence(clean: Tensor, perturbed: Tensor) -> Tensor:
    """KL(p ‖ q) of predictions from logits (N, classes), the mean over images; gradients flow into both."""
    return F.kl_div(F.log_softmax(perturbed, 1), F.log_softmax(clean, 1), reduction="batchmean", log_target=True)


def jensen_shannon(logits: Logits) -> Tensor:
    """The mean over predictions of their KL divergence from the mean prediction, of logits (N, classes) each."""
    predictions = [own.softmax(1) for own in logits]
    mean = torch.stack(predictions).mean(0).clamp(LEAST_PROBABILITY, 1).log()
    return torch.stack([F.kl_div(mean, own, reduction="batchmean") for own in predictions]).mean()
