"""The perturbations that a network is trained on, batch by batch, with the random streams of their epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.perturbations.mixing import mix, mixing_weights
from trainables.adversarial_training.perturbations.rungs import training_attack
from trainables.adversarial_training.perturbations.sizes import PerturbationSizes
from trainables.adversarial_training.perturbations.table import KINDS, RETIRED
from trainables.attacks.algorithms.stacked import attack_tasks
from trainables.attacks.frozen import frozen
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
        self.kind = KINDS[config.perturbation]
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
        batch = _Batch(self, model, images, labels, epsilon, len(images) if whole is None else whole)
        eta, sta = self.kind.make(batch)
        self.sizes.add(images, eta, sta)
        return eta

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
                noise=self.noise(len(attacks), images, whole) if self.config.random_start else None,
                precision=how.precision,
            )
        return adversarial.sub_(images)

    def weights(self, auxiliary: int, whole: int) -> Tensor:
        """α₀ … α_M, (N, 1 + M) of this rank's part of the whole batch, or (1, 1 + M) for all alike."""
        if self.config.alpha_draw == "batch":
            return mixing_weights(self.config, auxiliary, self.alphas)
        return self.share.of(mixing_weights(self.config, auxiliary, self.alphas, whole))

    def noise(self, attacks: int, images: Tensor, whole: int) -> Tensor:
        """Where attacks start, (K, N, C, H, W) in [0, 1): this rank's part of what the whole batch starts from."""
        shared = self.config.task_starts == "shared"
        drawn = [
            self.share.of(torch.rand(whole, *images.shape[1:], generator=start, dtype=images.dtype))
            for start in self.starts[: 1 if shared else attacks]
        ]
        return torch.stack(drawn * attacks if shared else drawn)

    def normal(self, images: Tensor, whole: int) -> Tensor:
        """Standard normal draws, (N, C, H, W): this rank's part of the whole batch's."""
        drawn = torch.randn(whole, *images.shape[1:], generator=self.directions, dtype=images.dtype)
        return self.share.of(drawn)


@dataclass(frozen=True, eq=False)
class _Batch:
    """What `Perturber` gives a kind of perturbation of one batch; see `kind.Batch`."""

    perturber: Perturber
    model: MultiTaskNetwork
    images: Tensor
    labels: Tensor
    epsilon: float
    whole: int

    @property
    def tasks(self) -> int:
        return self.labels.shape[1]

    @property
    def mta_sum(self) -> str:
        return self.perturber.config.mta_sum

    def attack(self, *summed: Sequence[int]) -> Tensor:
        return self.perturber.attack(self.model, self.images, self.labels, summed, self.epsilon, self.whole)

    def attack_each_task(self) -> Tensor:
        return self.attack(*([task] for task in range(self.tasks)))

    def mix(self, etas: Tensor) -> Tensor:
        return mix(self.perturber.weights(self.tasks - 1, self.whole), etas)

    def normal(self) -> Tensor:
        return self.perturber.normal(self.images, self.whole)

    def mean(self, value: float) -> float:
        return self.perturber.mean(value)
