"""The analysed test images, batch by batch, with everything that an analysis may need."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor, nn

from trainables.adversarial_training.analysis import (
    CORRUPTED,
    EXPLANATIONS,
    MOST_ANALYSED,
    PERTURBATIONS,
    RETRAINED,
    SHARED_STARTS,
    SHIFTED,
    TRAINING,
    PerturbedBatch,
)
from trainables.adversarial_training.attacks.attack_plan import PlannedAttack
from trainables.adversarial_training.attacks.attacking import attack_samples, batches, predict
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.evaluation.corrupted_images import CorruptedImages
from trainables.adversarial_training.evaluation.task_attacks import TaskAttacks
from trainables.attacks.attack import Budget
from trainables.attacks.table import attack_of
from trainables.datasets.sampling.samples import Samples, first_samples
from trainables.evaluation.masks import regions
from trainables.interpretability.explained import ExplainedImages
from trainables.interpretability.main_head import MainHead

OF_SET = "analysis"
"""Attacks of analyses attack what is left standing, as those of a set do."""


@dataclass(frozen=True, eq=False)
class AnalysedModel:
    """A tested network; `survived` (N,) bool: which samples the declared attacks left standing.

    `retrain`: retrains networks, for an analysis that needs them.
    `other`: further images that analyses need, by the names of their needs.
    """

    config: Config
    model: nn.Module
    samples: Samples
    survived: Tensor
    retrain: Callable[[], Mapping[str, Tensor]] | None = None
    other: Mapping[str, Samples] = field(default_factory=dict)
    corruptions: CorruptedImages | None = None

    @cached_property
    def retrained(self) -> Mapping[str, Tensor]:
        """The results of `retrain` for all samples; see `retrained_networks.retrained_right`."""
        if self.retrain is None:
            raise LookupError(f"an analysis that looks at retrained networks declares needs={{{RETRAINED!r}}}")
        return self.retrain()

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
            explained = self._explained(here, images, labels) if EXPLANATIONS in needs else None
            yield Batch(self, here, images, labels, perturbed, explained)

    def _explained(self, here: slice, images: Tensor, labels: Tensor) -> ExplainedImages:
        count = max(0, min(self.config.explained_images - here.start, len(images)))
        some = slice(here.start, here.start + count)
        predicted, labels = self.clean[0][some].argmax(1), labels[:count, 0]
        masks = None if self.samples.masks is None else regions(self.samples.masks[some]).positive
        classes = predicted if self.config.explained_class == "predicted" else labels
        network, methods = MainHead(self.model), self.config.attributions
        return ExplainedImages(network, images[:count], labels, predicted, classes, methods, masks, here.start)

    def of_others(self, need: str, here: slice) -> Batch:
        """The images at the places `here` of those that `need` names, as far as there are any."""
        of_need = self._others[need]
        here = slice(here.start, min(here.stop, len(of_need.samples)))
        images, labels = of_need.samples.__getitems__(list(range(here.start, here.stop)))
        return Batch(of_need, here, images, labels, None)

    @cached_property
    def _others(self) -> Mapping[str, AnalysedModel]:
        models = {}
        for need, samples in self.other.items():
            some = first_samples(samples, MOST_ANALYSED)
            unknown = torch.ones(len(some), dtype=torch.bool, device=some.labels.device)
            models[need] = AnalysedModel(self.config, self.model, some, unknown)
        return models


@dataclass(frozen=True, eq=False)
class Batch:
    """See `trainables.adversarial_training.analysis.TestedBatch`."""

    tested: AnalysedModel
    here: slice
    images: Tensor
    labels: Tensor
    perturbed: PerturbedBatch | None
    explained_images: ExplainedImages | None = None

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

    @property
    def explained(self) -> ExplainedImages:
        if self.explained_images is None:
            raise LookupError(f"an analysis that looks at explanations declares needs={{{EXPLANATIONS!r}}}")
        return self.explained_images

    @property
    def retrained(self) -> Mapping[str, Tensor]:
        return {name: right[self.here] for name, right in self.tested.retrained.items()}

    @property
    def logits(self) -> Tensor:
        return self.tested.clean[0][self.here]

    @property
    def right(self) -> Tensor:
        return self.logits.argmax(1) == self.labels[:, 0]

    @property
    def training(self) -> Batch:
        return self._others(TRAINING)

    @property
    def shifted(self) -> Batch:
        return self._others(SHIFTED)

    @property
    def corrupted(self) -> Iterator[tuple[str, int, Tensor]]:
        if self.tested.corruptions is None:
            raise LookupError(f"an analysis that looks at corrupted images declares needs={{{CORRUPTED!r}}}")
        return self.tested.corruptions.of(self.here)

    def _others(self, need: str) -> Batch:
        if need not in self.tested.other:
            raise LookupError(f"an analysis that looks at such images declares needs={{{need!r}}}")
        return self.tested.of_others(need, self.here)

    def withstood(self, attack: str, budget: Budget, standing: Tensor, epsilon: float | None = None) -> Tensor:
        entry, samples = attack_of(attack), self.tested.samples
        radius = self.config.attack_epsilon if epsilon is None else epsilon
        planned = PlannedAttack(entry, budget, "main_head", radius, of_set=OF_SET)
        alive = torch.zeros_like(self.tested.survived)
        alive[self.here] = standing
        attacked = attack_samples(planned, self.model, samples, self.tested.clean, alive)
        return standing & (attacked.predictions == samples.labels[:, 0])[self.here]
