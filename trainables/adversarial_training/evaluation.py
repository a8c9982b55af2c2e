"""Clean and robust accuracy of a network, per sample first and summed up afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.data import Samples, dataset_of, parts
from trainables.adversarial_training.gallery import gallery
from trainables.adversarial_training.model import load
from trainables.adversarial_training.randomness import stream
from trainables.attacks.frozen import frozen
from trainables.attacks.pgd import pgd
from trainables.contract import Report, Run

BATCH = 500
"""Images attacked at once; fixed, because the attack's noise is drawn batch by batch."""

NOISE_SEED = 20261121
"""Seed of the attacks' random starts: the same for every epoch, seed and arm, so that only the network differs."""

GALLERY = 8


@dataclass(frozen=True, eq=False)
class Measured:
    """Predictions of the main task, (N,) int64 each, and the first adversarial images.

    `attacked`: attack → predictions on its adversarial images; of several starts the one that fooled the network.
    `auxiliary`: accuracy on clean images, averaged over the auxiliary tasks; None without any.
    """

    labels: Tensor
    clean: Tensor
    attacked: Mapping[str, Tensor]
    adversarial: Tensor
    auxiliary: float | None

    @property
    def survived(self) -> Tensor:
        """Which samples, (N,) bool, are right when clean and under every declared attack."""
        right = self.clean == self.labels
        for predictions in self.attacked.values():
            right = right & (predictions == self.labels)
        return right

    def metrics(self, split: str) -> dict[str, float]:
        """The accuracies, named with their split."""
        found = {f"{split}/clean_accuracy": _share(self.clean == self.labels)}
        for attack, predictions in self.attacked.items():
            found[f"{split}/robust_accuracy.{attack}"] = _share(predictions == self.labels)
        found[f"{split}/robust_accuracy.worst_case"] = _share(self.survived)
        if self.auxiliary is not None:
            found[f"{split}/auxiliary_accuracy"] = self.auxiliary
        return found


def measure(config: Config, model: nn.Module, samples: Samples) -> Measured:
    """Predict and attack `samples` with the bare network `model`, always at full ε and against the main task."""
    batches: list[tuple[Tensor, Tensor]] = [
        samples.__getitems__(list(range(first, min(first + BATCH, len(samples)))))
        for first in range(0, len(samples), BATCH)
    ]
    attacked: dict[str, Tensor] = {}
    shown: Tensor | None = None
    with frozen(model):
        with torch.no_grad():
            answers = [[head.argmax(1) for head in model(images)] for images, _ in batches]
        clean = torch.cat([heads[0] for heads in answers])
        for attack in config.attacks:
            predictions = clean.clone()
            for restart in range(config.attack_restarts):
                generator = stream(NOISE_SEED, f"{attack} {restart}")
                first = 0
                for images, labels in batches:
                    adversarial = _pgd(config, model, images, labels[:, 0], generator)
                    with torch.no_grad():
                        answer = model(adversarial)[0].argmax(1)
                    here = slice(first, first + len(images))
                    first += len(images)
                    if restart == 0:
                        predictions[here] = answer
                    else:
                        still_right = predictions[here] == labels[:, 0]
                        predictions[here] = torch.where(still_right, answer, predictions[here])
                    if shown is None:
                        shown = adversarial[:GALLERY]
            attacked[attack] = predictions
    auxiliary = [
        _share(torch.cat([heads[m] for heads in answers]) == samples.labels[:, m])
        for m in range(1, samples.labels.shape[1])
    ]
    return Measured(
        labels=samples.labels[:, 0],
        clean=clean,
        attacked=attacked,
        adversarial=shown if shown is not None else batches[0][0][:GALLERY],
        auxiliary=sum(auxiliary) / len(auxiliary) if auxiliary else None,
    )


def _pgd(config: Config, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    def loss_of(adversarial: Tensor) -> Tensor:
        return F.cross_entropy(model(adversarial)[0], labels, reduction="sum")

    return pgd(
        loss_of,
        images,
        config.attack_epsilon,
        config.attack_step_size,
        config.attack_steps,
        random_start=True,
        generator=generator,
    )


def evaluate(config: Config, state: Mapping[str, Any], run: Run) -> Report:
    """Test a stored state: accuracies with n and a Wilson 95 % interval, predictions per sample, and a gallery."""
    samples = parts(config, run.data(dataset_of(config)), run.device).test
    measured = measure(config, load(config, state).to(run.device), samples)
    low, high = wilson(int(measured.survived.sum()), len(samples))
    metrics = measured.metrics("test") | {
        "test/robust_accuracy.worst_case_low": low,
        "test/robust_accuracy.worst_case_high": high,
        "test/samples": float(len(samples)),
    }
    arrays = {"labels": measured.labels, "predictions.clean": measured.clean} | {
        f"predictions.{attack}": predictions for attack, predictions in measured.attacked.items()
    }
    clean = samples.pixels[:GALLERY]
    return Report(
        metrics,
        arrays={name: tensor.cpu().numpy() for name, tensor in arrays.items()},
        images={"clean, perturbation, adversarial": gallery(clean, measured.adversarial, config.attack_epsilon)},
    )


def wilson(right: int, n: int) -> tuple[float, float]:
    """The Wilson 95 % interval of `right` out of `n`."""
    from scipy.stats import binomtest

    interval = binomtest(right, n).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


def _share(right: Tensor) -> float:
    return float(right.to(torch.float64).mean())
