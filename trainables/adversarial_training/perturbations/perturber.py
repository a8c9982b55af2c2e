"""The perturbations that a network is trained on, batch by batch, with the random streams of their epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.perturbations.mixing import mix, mixing_weights
from trainables.adversarial_training.perturbations.rungs import training_attack
from trainables.adversarial_training.perturbations.sizes import PerturbationSizes
from trainables.adversarial_training.perturbations.table import KINDS, RETIRED
from trainables.attacks.algorithms.divergence import ascend_divergence
from trainables.attacks.algorithms.stacked import attack_tasks, input_gradient
from trainables.attacks.frozen import frozen
from trainables.device.transfer import to_device
from trainables.models.multi_task import MultiTaskNetwork
from trainables.randomness import Share, stream

KL_START = 0.001
"""Standard deviation of the normal start of `kl`, on pixels (Zhang et al., 2019)."""


def _alone(value: float) -> float:
    return value


class Perturber:
    """Makes the perturbations η of one epoch's batches by `config.perturbation`.

    Each task's attack has its own random starts unless `task_starts` are shared; the main task's are the same
    for every perturbation. Several ranks draw the same α and each its own part of the whole batch's starts, as one
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
                f"perturbation {config.perturbation} is no longer available: {RETIRED[config.perturbation]}"
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
        """η, (N, C, H, W) with |η|∞ ≤ ε and images + η in [0, 1], but for kinds that say otherwise.

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
        with as_attacked(model):
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

    def single_step(
        self,
        model: MultiTaskNetwork,
        images: Tensor,
        labels: Tensor,
        epsilon: float,
        whole: int,
        noise: float,
        step: float,
        *,
        clipped: bool,
    ) -> Tensor:
        """η (N, C, H, W); see `kind.Batch`."""
        step = self.config.single_step_size or step
        start = torch.zeros_like(images)
        if self.config.random_start:
            start = (2 * to_device(self.noise(1, images, whole)[0], images.device) - 1) * (noise * epsilon)
        start = within_pixels(images, start)
        with as_attacked(model):
            gradient = input_gradient(model, images + start, labels, [[0]])
        eta = start + step * epsilon * gradient.sign()
        return within_pixels(images, eta.clamp(-epsilon, epsilon) if clipped else eta)

    def raise_divergence(self, model: MultiTaskNetwork, images: Tensor, epsilon: float, whole: int) -> Tensor:
        """η (N, C, H, W); see `kind.Batch`."""
        how = training_attack(self.config, epsilon)
        start = images + KL_START * self.normal(images, whole)
        with as_attacked(model):
            adversarial = ascend_divergence(
                lambda pixels: model.heads[0](model.features(pixels)), images, start, epsilon, how.step_size, how.steps
            )
        return adversarial - images

    def weights(self, auxiliary: int, whole: int) -> Tensor:
        """α₀ … α_M, (N, 1 + M) of this rank's part of the whole batch, or (1, 1 + M) for all samples."""
        if self.config.alpha_draw == "batch":
            return mixing_weights(self.config, auxiliary, self.alphas)
        return self.share.of(mixing_weights(self.config, auxiliary, self.alphas, whole))

    def noise(self, attacks: int, images: Tensor, whole: int) -> Tensor:
        """Where attacks start, (K, N, C, H, W) in [0, 1): this rank's part of the whole batch's starts."""
        shared = self.config.task_starts == "shared"
        drawn = [
            self.share.of(torch.rand(whole, *images.shape[1:], generator=start, dtype=images.dtype))
            for start in self.starts[: 1 if shared else attacks]
        ]
        return torch.stack(drawn * attacks if shared else drawn)

    def normal(self, images: Tensor, whole: int) -> Tensor:
        """Standard normal draws, (N, C, H, W): this rank's part of the whole batch's."""
        drawn = torch.randn(whole, *images.shape[1:], generator=self.directions, dtype=images.dtype)
        return to_device(self.share.of(drawn), images.device)


def within_pixels(images: Tensor, eta: Tensor) -> Tensor:
    """η (N, C, H, W) as far as images + η are in [0, 1]."""
    return (images + eta).clamp(0, 1) - images


@contextmanager
def as_attacked(model: MultiTaskNetwork) -> Iterator[None]:
    """The network as its training attacks it: frozen, its input transformed as in training (see `Preprocessing`)."""
    with frozen(model):
        if model.preprocessing is not None:
            model.preprocessing.train()
        yield


@dataclass(frozen=True, eq=False)
class _Batch:
    """The batch that `Perturber` gives to a kind of perturbation; see `kind.Batch`."""

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

    @property
    def noise_sigma(self) -> float:
        return self.perturber.config.noise_sigma

    @property
    def n_fgsm_noise(self) -> float:
        return self.perturber.config.n_fgsm_noise

    def single_step(self, noise: float, step: float, *, clipped: bool) -> Tensor:
        return self.perturber.single_step(
            self.model, self.images, self.labels, self.epsilon, self.whole, noise, step, clipped=clipped
        )

    def raise_divergence(self) -> Tensor:
        return self.perturber.raise_divergence(self.model, self.images, self.epsilon, self.whole)

    def mean(self, value: float) -> float:
        return self.perturber.mean(value)
