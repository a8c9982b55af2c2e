"""The attacks of the table on a bare network: what a study runs, without its data and settings."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.attacks.attack import Budget
from trainables.attacks.objective import LogitsOf, logits_in_passes
from trainables.attacks.problem import Problem
from trainables.attacks.runners import run_attack
from trainables.attacks.table import attack_of
from trainables.randomness import stream


@dataclass(frozen=True, eq=False)
class Attacked:
    """`images` (N, C, H, W) from an attack, `fooled` (N,) bool and the predicted class, (N,)."""

    images: Tensor
    fooled: Tensor
    predictions: Tensor


def attack(
    name: str,
    logits_of: LogitsOf,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    budget: Budget | None = None,
    *,
    seed: int = 0,
) -> Attacked:
    """Run an attack of the table with `budget`, else its own, on the images that are classified correctly when clean.

    The others count as fooled. `images` (N, C, H, W) in [0, 1], `labels` (N,).
    """
    clean = logits_in_passes(logits_of, images)
    right = clean.argmax(1) == labels
    problem = Problem(
        lambda points: [logits_of(points)],
        images,
        labels.unsqueeze(1),
        [clean],
        epsilon,
        lambda purpose: stream(seed, f"{name} {purpose}"),
        right,
    )
    entry = attack_of(name)
    adversarial = run_attack(entry, problem, budget or entry.budget)
    predictions = torch.where(right, problem.record.predictions, clean.argmax(1))
    return Attacked(adversarial, ~right | problem.record.fooled, predictions)
