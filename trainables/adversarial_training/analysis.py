"""What an analysis of a network trained by this method gets, one batch of test images at a time. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from trainables.attacks.attack import Budget

if TYPE_CHECKING:
    from torch import Tensor, nn

    from trainables.interpretability.explained import ExplainedImages

MOST_ANALYSED = 1_000
"""Test images that are analysed, the first of an order that keeps their classes' proportions."""

MOST_TASKS = 2
"""Auxiliary tasks whose analyses have declared names; S3 has two."""

NETWORK = "network"
"""The network whose passes are counted as cost."""

PERTURBATIONS, SHARED_STARTS = "perturbations", "shared_starts"
"""What an analysis may need: `TestedBatch.perturbations`, and those from a shared start among them."""
EXPLANATIONS, RETRAINED = "explanations", "retrained"
"""What an analysis may also need: `TestedBatch.explained` and `TestedBatch.retrained`."""
TRAINING, SHIFTED, CORRUPTED = "training_images", "shifted_images", "corrupted_images"
"""What an analysis may also need: `TestedBatch.training`, `TestedBatch.shifted` and `TestedBatch.corrupted`."""


@dataclass(frozen=True, eq=False)
class PerturbedBatch:
    """Images (B, C, H, W) with labels (B, 1 + M) and their perturbations, made within ε of the evaluation.

    `etas`: η₀ … η_M, each task's own, from independent starts; `shared`: from the main task's start, empty where not
    asked for. `mta`: that of all tasks jointly (eq. 7, m = 0 … M), from the main task's start.
    """

    images: Tensor
    labels: Tensor
    etas: Sequence[Tensor]
    shared: Sequence[Tensor]
    mta: Tensor

    @property
    def mp(self) -> Tensor:
        """The mixed perturbation with equal weights (eq. 2 without its randomness)."""
        return mean_of(self.etas)


def mean_of(etas: Sequence[Tensor]) -> Tensor:
    """Perturbations mixed with equal weights."""
    import torch

    return torch.stack([*etas]).mean(0)


class TestedBatch(Protocol):
    """Some of the analysed test images with what the evaluation measured on them."""

    @property
    def config(self) -> Any:
        """The configuration, with the budgets of the evaluation."""

    @property
    def model(self) -> nn.Module:
        """The bare network, in eval mode and without gradients of its weights; a logits tensor for each task."""

    @property
    def first(self) -> int:
        """The number of its first image among the analysed ones, from 0."""

    @property
    def images(self) -> Tensor:
        """Pixels (B, C, H, W) in [0, 1]."""

    @property
    def labels(self) -> Tensor:
        """(B, 1 + M), the main task's first."""

    @property
    def survived(self) -> Tensor:
        """Which images, (B,) bool, are right when clean and under every declared attack within ε."""

    @property
    def perturbations(self) -> PerturbedBatch:
        """Each task's own perturbation and S3's mixtures; only for an analysis that needs `PERTURBATIONS`."""

    @property
    def explained(self) -> ExplainedImages:
        """The images that are explained, the first `explained_images` of all, with their maps; possibly none.

        Only for an analysis that needs `EXPLANATIONS`.
        """

    @property
    def retrained(self) -> Mapping[str, Tensor]:
        """Which images, (B,) bool, are classified correctly by networks that are retrained on some pixels only.

        `top.METHOD`: on those that an attribution ranks first, `bottom.METHOD`: last. Only for an analysis that needs
        `RETRAINED`.
        """

    @property
    def logits(self) -> Tensor:
        """The main head's logits of the clean images, (B, classes)."""

    @property
    def right(self) -> Tensor:
        """Which images, (B,) bool, the main head classifies correctly when clean."""

    @property
    def training(self) -> TestedBatch:
        """As many images that the network was trained on, always the same; fewer, or none, if it had fewer.

        What they survived is not known. Only for an analysis that needs `TRAINING`.
        """

    @property
    def shifted(self) -> TestedBatch:
        """As many test images of `shift_dataset`; fewer, or none, if it has fewer. Only for the need `SHIFTED`."""

    @property
    def corrupted(self) -> Iterator[tuple[str, int, Tensor]]:
        """The images under each corruption of the table at each severity, with its name; for the need `CORRUPTED`."""

    def withstood(self, attack: str, budget: Budget, standing: Tensor, epsilon: float | None = None) -> Tensor:
        """Which of the `standing` images, (B,) bool, also withstand an attack of the table with this budget.

        Within `epsilon`, by default that of the evaluation.
        """
