"""The perturbations that S3 compares, single-task (STA), multi-task (MTA) and mixed (MP), and the controls of MP."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.perturbations.controls import rescale, shrink, turn_at_random
from trainables.adversarial_training.perturbations.mixing import mix, mixing_weights
from trainables.adversarial_training.perturbations.rungs import training_attack
from trainables.adversarial_training.perturbations.sizes import PerturbationSizes
from trainables.adversarial_training.settings.perturbation import RANDOM_DIRECTIONS, RETIRED
from trainables.attacks.frozen import frozen
from trainables.attacks.stacked import attack_tasks
from trainables.models.multi_task import MultiTaskNetwork
from trainables.randomness import Share, stream


def _alone(value: float) -> float:
    return value


class Perturber:
    """Makes the perturbations η of one epoch's batches by `config.perturbation`.

    Each task's attack has random starts of its own, unless `task_starts` are shared; the main task's are the same
    whatever the perturbation. Several ranks draw the same α and each its own part of the whole batch's starts, as one
    worker would; `mean` is over ranks. `sizes` sums up what was made.
    """

    def __init__(
        self,
        config: Config,
        seed: int,
        epoch: int,
        share: Share | None = None,
        mean: Callable[[float], float] = _alone,
    ) -> None:
        if config.perturbation in RETIRED:
            raise ValueError(
                f"perturbation {config.perturbation} isn't trained any more: {RETIRED[config.perturbation]}"
            )
        self.config, self.share, self.mean = config, share or Share(), mean
        tasks = range(1 + len(config.tasks))
        self.starts = [stream(seed, f"attack {m}", epoch) for m in tasks]
        self.directions = stream(seed, "direction", epoch)
        self.alphas = stream(seed, "alpha", epoch)
        self.sizes = PerturbationSizes()

    def __call__(
        self, model: MultiTaskNetwork, images: Tensor, labels: Tensor, epsilon: float, whole: int | None = None
    ) -> Tensor:
        """η, (N, C, H, W) with |η|∞ ≤ ε and images + η in [0, 1].

        `model`: the bare network, attacked in eval mode. `labels`: (N, 1 + M), the main task's first.
        `epsilon`: the current one; the step shrinks with it. `whole`: samples in the batch over all ranks.
        """
        eta, sta = self._perturb(model, images, labels, epsilon, len(images) if whole is None else whole)
        self.sizes.add(eta, sta)
        return eta

    def _perturb(
        self, model: MultiTaskNetwork, images: Tensor, labels: Tensor, epsilon: float, whole: int
    ) -> tuple[Tensor, Tensor | None]:
        """η, and STA's where that was made on the way."""
        kind, tasks = self.config.perturbation, range(labels.shape[1])
        if kind == "sta":
            eta = self.attack(model, images, labels, [[0]], epsilon, whole)[0]
            return eta, eta
        if kind == "mta":
            summed = tasks if self.config.mta_sum == "all_tasks" else tasks[1:]
            return self.attack(model, images, labels, [summed], epsilon, whole)[0], None
        etas = self.attack(model, images, labels, [[m] for m in tasks], epsilon, whole)
        weights = self._weights(len(tasks) - 1, whole)
        sta, eta = etas[0], mix(weights, etas)
        if kind in RANDOM_DIRECTIONS:
            normal = self._normal(images, whole)
            eta = turn_at_random(eta, sta, normal, images, epsilon, RANDOM_DIRECTIONS[kind])
        elif kind == "sta_shrunk":
            eta = shrink(sta, eta, self.mean)
        elif kind == "mp_rescaled":
            eta = rescale(eta, sta, images, epsilon)
        return eta, sta

    def attack(
        self,
        model: MultiTaskNetwork,
        images: Tensor,
        labels: Tensor,
        attacks: Sequence[Sequence[int]],
        epsilon: float,
        whole: int,
    ) -> Tensor:
        """η (K, N, C, H, W) of PGD on the summed losses of each of `attacks`; the k-th has the starts of task k."""
        how = training_attack(self.config, epsilon)
        with frozen(model):
            adversarial = attack_tasks(
                model,
                images,
                labels,
                attacks,
                epsilon=epsilon,
                step_size=how.step_size,
                steps=how.steps,
                noise=self._noise(len(attacks), images, whole) if self.config.random_start else None,
                precision=how.precision,
            )
        return adversarial.sub_(images)

    def _weights(self, auxiliary: int, whole: int) -> Tensor:
        if self.config.alpha_draw == "batch":
            return mixing_weights(self.config, auxiliary, self.alphas)
        return self.share.of(mixing_weights(self.config, auxiliary, self.alphas, whole))

    def _noise(self, attacks: int, images: Tensor, whole: int) -> Tensor:
        """Where attacks start, (K, N, C, H, W) in [0, 1): this rank's part of what the whole batch starts from."""
        shared = self.config.task_starts == "shared"
        drawn = [
            self.share.of(torch.rand(whole, *images.shape[1:], generator=start, dtype=images.dtype))
            for start in self.starts[: 1 if shared else attacks]
        ]
        return torch.stack(drawn * attacks if shared else drawn)

    def _normal(self, images: Tensor, whole: int) -> Tensor:
        drawn = torch.randn(whole, *images.shape[1:], generator=self.directions, dtype=images.dtype)
        return self.share.of(drawn)
