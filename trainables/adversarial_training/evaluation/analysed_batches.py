"""The analysed test images, batch by batch, with all that an analysis may ask of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from trainables.adversarial_training.analysis import MOST_ANALYSED, PERTURBATIONS, SHARED_STARTS, PerturbedBatch
from trainables.adversarial_training.attacks.attack_plan import PlannedAttack
from trainables.adversarial_training.attacks.attacking import attack_samples, batches, predict
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.evaluation.task_attacks import TaskAttacks
from trainables.attacks.attack import Budget
from trainables.attacks.table import attack_of
from trainables.datasets.sampling.samples import Samples

OF_SET = "analysis"
"""An attack of an analysis attacks what is left standing, as those of a set do."""


@dataclass(frozen=True, eq=False)
class AnalysedModel:
    """A tested network; `survived` (N,) bool: which samples the declared attacks left standing."""

    config: Config
    model: nn.Module
    samples: Samples
    survived: Tensor

    @cached_property
    def clean(self) -> Sequence[Tensor]:
        """The logits of all samples, (N, classes) for each head."""
        return predict(self.model, self.samples)

    def parts(self, needs: Collection[str]) -> Iterator[Batch]:
        """The first `MOST_ANALYSED` samples, with what analyses need of them; `model` is frozen.

        Samples are in an order that keeps their classes' proportions, so the first ones stand for all.
        """
        attacks = TaskAttacks(self.config, "analyses") if PERTURBATIONS in needs else None
        for here, images, labels in batches(self.samples, MOST_ANALYSED):
            perturbed = (
                attacks.perturb(self.model, images, labels, shared=SHARED_STARTS in needs)
                if attacks is not None
                else None
            )
            yield Batch(self, here, images, labels, perturbed)


@dataclass(frozen=True, eq=False)
class Batch:
    """See `trainables.adversarial_training.analysis.TestedBatch`."""

    tested: AnalysedModel
    here: slice
    images: Tensor
    labels: Tensor
    perturbed: PerturbedBatch | None

    @property
    def config(self) -> Config:
        return self.tested.config

    @property
    def model(self) -> nn.Module:
        return self.tested.model

    @property
    def first(self) -> int:
        return int(self.here.start)

    @property
    def survived(self) -> Tensor:
        return self.tested.survived[self.here]

    @property
    def perturbations(self) -> PerturbedBatch:
        if self.perturbed is None:
            raise LookupError(f"an analysis that looks at perturbations declares needs={{{PERTURBATIONS!r}}}")
        return self.perturbed

    def withstood(self, attack: str, budget: Budget, standing: Tensor) -> Tensor:
        entry, samples = attack_of(attack), self.tested.samples
        planned = PlannedAttack(entry, budget, "main_head", self.config.attack_epsilon, of_set=OF_SET)
        alive = torch.zeros_like(self.tested.survived)
        alive[self.here] = standing
        attacked = attack_samples(planned, self.model, samples, self.tested.clean, alive)
        return standing & (attacked.predictions == samples.labels[:, 0])[self.here]
