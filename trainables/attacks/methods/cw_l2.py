"""Carlini and Wagner's L2 attack (2017), which has its own budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.attacks.attack import Attack, Budget

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.attacks.algorithms.cw_l2 import SmallestPerturbation
    from trainables.attacks.problem import Problem


def run_cw_l2(problem: Problem, budget: Budget) -> SmallestPerturbation:
    """The smallest perturbations found; against all heads it raises every head's margin, and fools by the main one.

    An image that isn't alive stays unchanged, and has the norm ∞.
    """
    import torch

    from trainables.attacks.algorithms.cw_l2 import SmallestPerturbation, cw_l2
    from trainables.attacks.algorithms.margin import margin

    def margins_of(adversarial: Tensor, which: Tensor) -> Tensor:
        logits = problem.heads_of(adversarial)
        return torch.stack([margin(head, problem.labels[which, m]) for m, head in enumerate(logits)], dim=1)

    attacked = problem.alive.nonzero()[:, 0]
    smallest = cw_l2(
        lambda images, which: margins_of(images, attacked[which]),
        problem.images[attacked],
        iterations=budget.steps,
        search_steps=budget.searches,
    )
    adversarial, norms = problem.images.detach().clone(), smallest.norms.new_full(problem.alive.shape, torch.inf)
    adversarial[attacked], norms[attacked] = smallest.adversarial, smallest.norms
    return SmallestPerturbation(adversarial, norms)


CW_L2 = Attack(
    "cw_l2",
    "their L2 attack within l2_budget, which the worst case leaves out",
    run_cw_l2,
    Budget(100, searches=9),
    norm="l2",
    loss="margin",
    adjustable=("steps",),
)
