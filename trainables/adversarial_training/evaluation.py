"""Clean and robust accuracy of a network, per sample first and summed up afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from trainables.adversarial_training.analyses import analyse
from trainables.adversarial_training.analyses.task_attacks import TaskAttacks, mean_of
from trainables.adversarial_training.attacking import SHOWN, Attacked, attack_samples, attack_without_bound, batches
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.data import parts
from trainables.adversarial_training.gallery import gallery
from trainables.adversarial_training.metrics import attack_name
from trainables.adversarial_training.model import load
from trainables.adversarial_training.settings.evaluation import OUTSIDE_EPSILON
from trainables.attacks.frozen import frozen
from trainables.contract import Report, Run
from trainables.datasets.config import dataset_of
from trainables.datasets.samples import Samples
from trainables.evaluation.grouped_interval import grouped_wilson, number_of_groups, several_to_a_group


@dataclass(frozen=True, eq=False)
class Measured:
    """Predictions of the main task on N samples, clean and under every attack by its name.

    `within`: attacks within ε, whose worst case counts. `beyond`: those without an L∞ bound (`cw_l2`).
    `auxiliary`: accuracy on clean images, averaged over the auxiliary tasks; None without any.
    """

    labels: Tensor
    clean: Tensor
    within: Mapping[str, Attacked]
    beyond: Mapping[str, Attacked] = field(default_factory=dict)
    auxiliary: float | None = None

    @property
    def worst(self) -> Tensor:
        """A wrong prediction of each sample, clean or under an attack within ε, where there is one, (N,)."""
        predictions = self.clean
        for attacked in self.within.values():
            predictions = torch.where(predictions == self.labels, attacked.predictions, predictions)
        return predictions

    @property
    def survived(self) -> Tensor:
        """Which samples, (N,) bool, are right when clean and under every attack within ε."""
        return self.worst == self.labels

    def metrics(self, split: str) -> dict[str, float]:
        """The accuracies, named with their split.

        `robust_above_clean` is by how much an attack's accuracy exceeds the clean one, 0 where none does: such an
        attack is broken, or the network fits attacked images only.
        """
        clean = _share(self.clean == self.labels)
        attacked = {**self.within, **self.beyond}
        robust = {name: _share(one.predictions == self.labels) for name, one in attacked.items()}
        found = {f"{split}/clean_accuracy": clean}
        found |= {f"{split}/robust_accuracy.{name}": accuracy for name, accuracy in robust.items()}
        found[f"{split}/robust_accuracy.worst_case"] = _share(self.survived)
        found[f"{split}/robust_above_clean"] = max(0.0, max(robust.values()) - clean)
        for name, one in attacked.items():
            if one.reached is not None:
                found[f"{split}/target_rate.{name}"] = _share(one.reached)
            if one.norms is not None:
                changed = one.norms[(one.norms > 0) & one.norms.isfinite()]
                if len(changed):
                    found[f"{split}/{name}_median_norm"] = float(changed.median())
        if self.auxiliary is not None:
            found[f"{split}/auxiliary_accuracy"] = self.auxiliary
        return found

    def arrays(self) -> dict[str, Tensor]:
        """Labels and predictions of each sample; where the worst case leaves attacks out, it stands by itself."""
        named = {"clean": self.clean, **{name: one.predictions for name, one in {**self.within, **self.beyond}.items()}}
        if self.beyond:
            named["worst_case"] = self.worst
        found = {"labels": self.labels, **{f"predictions.{name}": array for name, array in named.items()}}
        return found | {f"l2_norms.{name}": one.norms for name, one in self.beyond.items() if one.norms is not None}


def measure(config: Config, model: nn.Module, samples: Samples, *, tested: bool = False) -> Measured:
    """Predict and attack `samples` with the bare network `model`, at full ε.

    A test (`tested`) takes every attack, validation fewer: `EvaluationSettings.attacks_taken`.
    """
    within: dict[str, Attacked] = {}
    beyond: dict[str, Attacked] = {}
    with frozen(model):
        with torch.no_grad():
            answers = [model(images) for _, images, _ in batches(samples)]
        clean = [torch.cat(heads) for heads in zip(*answers, strict=True)]
        for attack, threat_model in product(config.attacks_taken(tested=tested), config.threat_models):
            name = attack_name(attack, threat_model)
            if attack in OUTSIDE_EPSILON:
                beyond[name] = attack_without_bound(config, model, samples, clean, threat_model)
            else:
                within[name] = attack_samples(config, model, samples, clean, attack, threat_model)
    auxiliary = [_share(head.argmax(1) == samples.labels[:, m]) for m, head in enumerate(clean) if m > 0]
    return Measured(
        labels=samples.labels[:, 0],
        clean=clean[0].argmax(1),
        within=within,
        beyond=beyond,
        auxiliary=sum(auxiliary) / len(auxiliary) if auxiliary else None,
    )


def evaluate(config: Config, state: Mapping[str, Any], run: Run) -> Report:
    """Test a stored state: accuracies with n and a Wilson 95 % interval, predictions, galleries and analyses.

    Where several test images show the same thing, the interval is by group, and `groups` are stored with predictions.
    """
    samples = parts(config, run.data(dataset_of(config)), run.device).test
    model = load(config, state).to(run.device)
    measured = measure(config, model, samples, tested=True)
    low, high = grouped_wilson(measured.survived, samples.groups)
    metrics = measured.metrics("test") | {
        "test/robust_accuracy.worst_case_low": low,
        "test/robust_accuracy.worst_case_high": high,
        "test/samples": float(len(samples)),
    }
    analysed = analyse(config, model, samples)
    arrays = {**measured.arrays(), **analysed.arrays}
    if samples.groups is not None and several_to_a_group(samples.groups):
        metrics["test/groups"] = float(number_of_groups(samples.groups))
        arrays["groups"] = samples.groups
    return Report(
        metrics | analysed.metrics,
        arrays={name: tensor.cpu().numpy() for name, tensor in arrays.items()},
        images=_galleries(config, model, samples, measured),
    )


def _galleries(config: Config, model: nn.Module, samples: Samples, measured: Measured) -> dict[str, Any]:
    """S3's Figure 1 of the first attack; with auxiliary tasks also each task's own perturbation and their mean."""
    epsilon = config.attack_epsilon
    attack, shown = next((name, one.shown) for name, one in measured.within.items())
    images, labels = samples.__getitems__(list(range(min(SHOWN, len(samples)))))
    found = {f"image, perturbation by {attack}, adversarial image": gallery(images, [shown - images], shown, epsilon)}
    if config.tasks:
        with frozen(model):
            etas = TaskAttacks(config, "gallery").independent(model, images, labels)
        mixed = mean_of(etas)
        names = ", ".join(["the main task", *config.tasks])
        found[f"image, perturbations of {names}, their mean (MP), image under it"] = gallery(
            images, [*etas, mixed], images + mixed, epsilon
        )
    return found


def _share(right: Tensor) -> float:
    return float(right.to(torch.float64).mean())
