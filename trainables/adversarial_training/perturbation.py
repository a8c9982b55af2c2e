"""The perturbations that S3 compares: single-task (STA), multi-task (MTA) and mixed (MP)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.randomness import stream
from trainables.adversarial_training.rungs import training_attack
from trainables.attacks.frozen import frozen
from trainables.attacks.pgd import pgd


def mixing_weights(config: Config, auxiliary: int, generator: torch.Generator) -> Tensor:
    """α₀ … α_M, (1 + auxiliary,) float64, which sum to 1 (S3, eq. 2).

    α₀ is uniform between its bounds; the auxiliary tasks share the rest as `config.alpha_split` says.
    """
    low, high = config.alpha0_min, config.alpha0_max
    alpha0 = low + (high - low) * torch.rand(1, generator=generator, dtype=torch.float64)
    if config.alpha_split != "equal":
        # normalised exponentials are uniform on the simplex; drawn with one task too, so that streams stay aligned
        uniform = torch.rand(auxiliary, generator=generator, dtype=torch.float64)
        shares = -torch.log1p(-uniform) + torch.finfo(torch.float64).tiny
    else:
        shares = torch.ones(auxiliary, dtype=torch.float64)
    return torch.cat([alpha0, (1 - alpha0) * shares / shares.sum()])


class Perturber:
    """Makes the perturbations η of one epoch's batches by `config.perturbation`.

    Each task's attack has random starts of its own; the main task's are the same whatever the perturbation. Several
    ranks draw the same α and each its own part of the whole batch's starts, as one worker would.
    """

    def __init__(self, config: Config, seed: int, epoch: int, rank: int = 0, world_size: int = 1) -> None:
        self.config = config
        self.rank, self.world_size = rank, world_size
        self.whole: int | None = None
        self.starts = [stream(seed, f"attack {m}", epoch) for m in range(1 + len(config.tasks))]
        self.alphas = stream(seed, "alpha", epoch)

    def __call__(
        self, model: nn.Module, images: Tensor, labels: Tensor, epsilon: float, whole: int | None = None
    ) -> Tensor:
        """η, (N, C, H, W) with |η|∞ ≤ ε and images + η in [0, 1].

        `model`: the bare network, attacked in eval mode. `labels`: (N, 1 + M), the main task's first.
        `epsilon`: the current one; the step shrinks with it. `whole`: samples in the batch over all ranks.
        """
        self.whole = whole
        every = range(labels.shape[1])
        with frozen(model):
            if self.config.perturbation == "sta":
                return self._attack(model, images, labels, [0], 0, epsilon)
            if self.config.perturbation == "mta":
                return self._attack(model, images, labels, every, 0, epsilon)
            weights = mixing_weights(self.config, len(every) - 1, self.alphas).tolist()
            mixed = torch.zeros_like(images)
            for m, weight in zip(every, weights, strict=True):
                mixed += weight * self._attack(model, images, labels, [m], m, epsilon)
            return mixed

    def _attack(
        self, model: nn.Module, images: Tensor, labels: Tensor, tasks: Sequence[int], start: int, epsilon: float
    ) -> Tensor:
        """η of PGD on the summed losses of `tasks`, from the random starts of task `start`."""

        def loss_of(adversarial: Tensor) -> Tensor:
            logits = model(adversarial)
            return sum_of_losses([logits[m] for m in tasks], labels[:, list(tasks)], reduction="sum")

        config = self.config
        attack = training_attack(config, epsilon)
        adversarial = pgd(
            loss_of,
            images,
            epsilon,
            attack.step_size,
            attack.steps,
            random_start=config.random_start,
            noise=self._noise(images, start) if config.random_start else None,
        )
        return adversarial - images

    def _noise(self, images: Tensor, start: int) -> Tensor:
        """This rank's rows of the noise that the whole batch starts from, in [0, 1)."""
        whole = len(images) if self.whole is None else self.whole
        noise = torch.rand(whole, *images.shape[1:], generator=self.starts[start], dtype=images.dtype)
        return noise[self.rank :: self.world_size]


def sum_of_losses(logits: Sequence[Tensor], labels: Tensor, reduction: str) -> Tensor:
    """Cross-entropy summed over tasks (S3, eq. 4-6), and over samples by `reduction`; `labels`: (N, tasks)."""
    losses = [F.cross_entropy(head, labels[:, m], reduction=reduction) for m, head in enumerate(logits)]
    return torch.stack(losses).sum()
