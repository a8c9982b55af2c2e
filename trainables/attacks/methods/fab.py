"""FAB-T: the nearest point of the boundary to each of the likeliest wrong classes (Croce and Hein, 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from trainables.attacks.attack import FORWARD_TWICE, Attack, Budget

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.attacks.objective import Objective
    from trainables.attacks.problem import Problem
    from trainables.attacks.runners import Start


def run_fab(start: Start) -> Tensor:
    """FAB-T against the main head, from the images themselves and, in further starts, from random points.

    It leaves the ε-box on its way, so that predictions on the way aren't recorded: only its results within ε are.
    """
    import torch

    from trainables.attacks.algorithms.fab import approach, random_start
    from trainables.attacks.turns import run_in_turn

    problem, best, standing = start.problem, start.best(), start.problem.standing
    images = best.images.clone()

    def start_of(turn: int) -> Tensor:
        return random_start(images, problem.epsilon, start.generator(turn)) if start.restart else images

    run = partial(approach, epsilon=problem.epsilon, iterations=start.budget.steps)
    run_in_turn(run, _towards(problem, start.aims), images, start_of, start.turns, best)
    which = (best.fooled & standing).nonzero().squeeze(1)
    if len(which):
        with torch.no_grad():
            problem.record.note(problem.heads_of(best.images[which])[0].argmax(1), which)
    return best.images


def _towards(problem: Problem, aims: Sequence[Tensor]) -> Objective:
    """The margin of the main head's targets, turn by turn, without recording."""
    import torch

    from trainables.attacks.algorithms.losses import targeted_margin
    from trainables.attacks.objective import targeted

    labels, targets = problem.labels[:, 0].repeat(len(aims)), torch.cat([turn[:, 0] for turn in aims])
    return targeted(lambda images: problem.heads_of(images)[0], labels, targets, targeted_margin)


FAB_T = Attack(
    "fab_t",
    "the nearest point of the decision boundary to each of the nine likeliest wrong classes, main head only",
    run_fab,
    Budget(100, targets=9),
    loss="margin",
    aims="likely",
    adjustable=("restarts",),
    weight=FORWARD_TWICE,
    joint=False,
)
