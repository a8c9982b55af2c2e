"""Square, a random search that asks for no gradients (Andriushchenko et al., 2020)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.attacks.attack import FORWARD, Attack, Budget

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.attacks.runners import Start


def run_square(start: Start) -> Tensor:
    """Square from vertical stripes; its steps are queries."""
    from trainables.attacks.algorithms.square import draw_squares, search

    problem, best, budget = start.problem, start.best(), start.budget
    draws = draw_squares(best.images, budget.steps, start.generator(), rescaled=budget.rescaled)
    search(problem.objective(start.attack.loss), best.images.clone(), problem.epsilon, draws, best)
    return best.images


SQUARE = Attack(
    "square",
    "random squares, which need no gradients",
    run_square,
    Budget(5_000),
    loss="margin",
    adjustable=("restarts",),
    weight=FORWARD,
)
