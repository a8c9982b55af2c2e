"""Pictures of what an attack does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from trainables.adversarial_training.analysis import mean_of
from trainables.adversarial_training.attacks.attack_plan import attacks_taken
from trainables.adversarial_training.attacks.attacking import problems
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.evaluation.task_attacks import TaskAttacks
from trainables.attacks.frozen import frozen
from trainables.attacks.runners import run_attack
from trainables.datasets.sampling.samples import Samples
from trainables.pictures import rows

SHOWN = 8
"""Images of a gallery: the first of the split."""


def galleries(config: Config, model: nn.Module, samples: Samples) -> dict[str, Any]:
    """S3's Figure 1 of the first attack; with auxiliary tasks also each task's own perturbation and their mean."""
    epsilon = config.attack_epsilon
    first = next(attack for attack in attacks_taken(config, tested=True) if attack.attack.within_epsilon)
    everything = torch.ones(len(samples), dtype=torch.bool, device=samples.labels.device)
    images, labels = samples.__getitems__(list(range(min(SHOWN, len(samples)))))
    with frozen(model):
        with torch.no_grad():
            clean = list(model(images))
        [(_, problem)] = problems(first, model, samples, clean, everything, SHOWN)
        attacked = run_attack(first.attack, problem, first.budget)
    pictures = {
        f"image, perturbation by {first.metric}, adversarial image": gallery(
            images, [attacked - images], attacked, epsilon
        )
    }
    if config.tasks:
        with frozen(model):
            etas = TaskAttacks(config, "gallery").independent(model, images, labels)
        mixed = mean_of(etas)
        names = ", ".join(["the main task", *config.tasks])
        pictures[f"image, perturbations of {names}, their mean (MP), image under it"] = gallery(
            images, [*etas, mixed], images + mixed, epsilon
        )
    return pictures


def gallery(clean: Tensor, perturbations: Sequence[Tensor], adversarial: Tensor, epsilon: float) -> Any:
    """A column of each image, clean above its perturbations above adversarial: a numpy array (H, W) or (H, W, 3) uint8.

    `clean`, `adversarial` and each of `perturbations`: (N, C, H, W), images in [0, 1]. Perturbations are stretched:
    grey is 0, black -ε, white +ε.
    """
    stretched = [eta / (2 * epsilon) + 0.5 if epsilon > 0 else torch.full_like(clean, 0.5) for eta in perturbations]
    return rows([clean, *stretched, adversarial])
