"""Every task's own perturbation of the same images, and S3's mixtures of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.adversarial_training.analysis import PerturbedBatch
from trainables.adversarial_training.attacks.attacking import NOISE_SEED
from trainables.adversarial_training.config import Config
from trainables.attacks.algorithms.pgd import pgd
from trainables.randomness import stream


class TaskAttacks:
    """PGD against one head at a time, untargeted, with the budget of the evaluation and starts fixed by `purpose`."""

    def __init__(self, config: Config, purpose: str) -> None:
        self.config = config
        self.starts = [stream(NOISE_SEED, f"{purpose} {m}") for m in range(1 + len(config.tasks))]

    def perturb(self, model: nn.Module, images: Tensor, labels: Tensor, *, shared: bool) -> PerturbedBatch:
        """All perturbations of the next batch; `model` is frozen, `shared` asks for those from a shared start, too."""
        noises = self._noises(images)
        tasks = range(labels.shape[1])
        etas = [self._attack(model, images, labels, [m], noises[m]) for m in tasks]
        return PerturbedBatch(
            images,
            labels,
            etas,
            [etas[0], *(self._attack(model, images, labels, [m], noises[0]) for m in tasks[1:])] if shared else [],
            self._attack(model, images, labels, tasks, noises[0]),
        )

    def independent(self, model: nn.Module, images: Tensor, labels: Tensor) -> list[Tensor]:
        """η₀ … η_M alone."""
        noises = self._noises(images)
        return [self._attack(model, images, labels, [m], noises[m]) for m in range(labels.shape[1])]

    def _noises(self, images: Tensor) -> list[Tensor]:
        return [torch.rand(images.shape, generator=start, dtype=images.dtype) for start in self.starts]

    def _attack(self, model: nn.Module, images: Tensor, labels: Tensor, tasks: Sequence[int], noise: Tensor) -> Tensor:
        def loss_of(adversarial: Tensor) -> Tensor:
            logits = model(adversarial)
            return torch.stack([F.cross_entropy(logits[m], labels[:, m], reduction="sum") for m in tasks]).sum()

        config = self.config
        adversarial = pgd(
            loss_of,
            images,
            config.attack_epsilon,
            config.attack_step_size,
            config.attack_steps,
            random_start=True,
            noise=noise,
        )
        return adversarial - images
