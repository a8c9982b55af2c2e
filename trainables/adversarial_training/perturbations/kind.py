"""The type of a perturbation: a file of `kinds` with one at its top level adds one. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Batch(Protocol):
    """A batch of training images, with everything that a perturbation of them is computed from."""

    @property
    def images(self) -> Tensor:
        """Pixels (N, C, H, W) in [0, 1]."""

    @property
    def epsilon(self) -> float:
        """The radius of the box around each image, at this epoch of the warm-up."""

    @property
    def tasks(self) -> int:
        """The main task and the auxiliary ones."""

    @property
    def mta_sum(self) -> str:
        """Whether the sum of `mta` runs over `all_tasks` or the `auxiliary_tasks` alone."""

    def attack(self, *summed: Sequence[int]) -> Tensor:
        """η (K, N, C, H, W) of PGD on the summed losses of each of K lists of tasks, the main task being 0."""

    def attack_each_task(self) -> Tensor:
        """η₀ … η_M, (1 + M, N, C, H, W)."""

    def mix(self, etas: Tensor) -> Tensor:
        """Σ αₘ ηₘ, (N, C, H, W), with the weights that are drawn for the batch (S3, eq. 2)."""

    def normal(self) -> Tensor:
        """Standard normal draws, (N, C, H, W)."""

    @property
    def noise_sigma(self) -> float:
        """The standard deviation of `gaussian`."""

    @property
    def n_fgsm_noise(self) -> float:
        """The size of the noise of `n_fgsm` in units of ε."""

    def single_step(self, noise: float, step: float, *, clipped: bool) -> Tensor:
        """η (N, C, H, W) of one sign step against the main task, of `step` ε, from uniform noise of `noise` ε.

        A `single_step_size` of the configuration takes the place of `step`. `clipped`: to ε; always to [0, 1].
        """

    def raise_divergence(self) -> Tensor:
        """η (N, C, H, W) of PGD that raises KL(p(x) ‖ p(x + η)) of the main task (Zhang et al., 2019)."""

    def mean(self, value: float) -> float:
        """The mean of a value over all ranks, each of which has a part of the batch."""


@dataclass(frozen=True)
class PerturbationKind:
    """A perturbation that a network may be trained on; `says` is a clause for the hyperparameter's description.

    `make` gives η (N, C, H, W) within ε and [0, 1], and STA's if that was computed on the way. `each_task`: it attacks
    every task on its own, which costs as many attacks. `random_labels`: the auxiliary tasks have random fixed labels.
    `by_s3`: S3 compares it, or it is a control of that. `within_epsilon`: False where η may leave the ε-box.
    `is_single_step`: it is one of those that overfit catastrophically. `steps`: passes with the gradient of the images
    that an attack takes of so many configured steps. `rungs`: the cheaper attacks that it knows.
    """

    name: str
    says: str
    make: Callable[[Batch], tuple[Tensor, Tensor | None]]
    needs_tasks: bool = True
    each_task: bool = False
    random_labels: bool = False
    by_s3: bool = True
    within_epsilon: bool = True
    is_single_step: bool = False
    steps: Callable[[int], float] = float
    rungs: tuple[str, ...] = ("few_steps", "single_step", "bfloat16")
    long_name: str = ""
    """The unabbreviated name."""

    def attacks(self, auxiliary: int) -> int:
        """How often each image is attacked, with so many auxiliary tasks."""
        return 1 + auxiliary if self.each_task else 1
