"""Signals of catastrophic overfitting: a network that withstands only single steps (Wong et al., 2020)."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.adversarial_training.attacks.attack_plan import PlannedAttack
from trainables.adversarial_training.attacks.attacking import NOISE_SEED, batches, predict
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.evaluation.shared_attacks import SharedAttacks
from trainables.adversarial_training.overfitting_watch import WATCHED_IMAGES
from trainables.attacks.frozen import frozen
from trainables.attacks.table import attack_of
from trainables.contract import Run
from trainables.datasets.sampling.samples import Samples
from trainables.randomness import stream


def overfitting_signals(config: Config, model: nn.Module, samples: Samples, run: Run) -> dict[str, float]:
    """`single_step_gap` and `gradient_alignment` of the bare network on held-out samples.

    The gap is the accuracy under FGSM minus that under PGD as evaluated, both within the evaluation's ε, as shares. The
    alignment is the mean cosine of the cross-entropy's gradients at an image and at a uniform random point within ε of
    it (Andriushchenko and Flammarion, 2020); images whose gradient is zero at either are left out, and it is 0 where
    all are. Ranks share the attacks.
    """
    chosen = samples.chosen[:WATCHED_IMAGES]
    looked_at = replace(samples, chosen=chosen, labels=samples.labels[: len(chosen)])
    with frozen(model):
        accuracy = {name: _accuracy(config, name, model, looked_at, run) for name in ("fgsm", "pgd")}
        cosines = torch.cat([_cosines(config, model, *part) for part in batches(looked_at)])
    known = cosines[~cosines.isnan()]
    return {
        "validation/single_step_gap": accuracy["fgsm"] - accuracy["pgd"],
        "validation/gradient_alignment": float(known.mean()) if len(known) else 0.0,
    }


def _accuracy(config: Config, name: str, model: nn.Module, samples: Samples, run: Run) -> float:
    attack = attack_of(name)
    budget = attack.adjusted({"steps": config.attack_steps, "step_size": config.attack_step_size, "restarts": 1})
    planned = PlannedAttack(attack, budget, "main_head", config.attack_epsilon)
    attacked = SharedAttacks(run).attack(planned, model, samples, predict(model, samples), None)
    return float((attacked.predictions == samples.labels[:, 0]).double().mean())


def _cosines(config: Config, model: nn.Module, here: slice, images: Tensor, labels: Tensor) -> Tensor:
    """The cosine of both gradients of each image, (n,), NaN if one is zero."""
    drawn = torch.rand(images.shape, generator=stream(NOISE_SEED, f"alignment {here.start}"), dtype=images.dtype)
    nearby = (images + config.attack_epsilon * (2 * drawn.to(images.device) - 1)).clamp(0, 1)
    own, other = (_gradient(model, points, labels[:, 0]).flatten(1) for points in (images, nearby))
    cosine = F.cosine_similarity(own, other, dim=1, eps=0.0)
    return cosine


def _gradient(model: nn.Module, points: Tensor, labels: Tensor) -> Tensor:
    point = points.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(model(point)[0], labels, reduction="sum"), point)
    # confident predictions have gradients so small that their squares would be zero
    largest = gradient.flatten(1).abs().amax(1).view(-1, 1, 1, 1)
    return torch.where(largest > 0, gradient / largest, torch.nan).double()
