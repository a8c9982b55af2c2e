"""Projected gradient descent of sign steps in the ε-box (Madry et al., 2018), untargeted and targeted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from trainables.attacks.attack import Attack, Budget

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.attacks.runners import Start


ADJUSTABLE = ("steps", "step_size", "restarts")
"""The parts of its budget that a study may set, in all its forms."""


def run_pgd(start: Start) -> Tensor:
    """Sign-PGD from a random point of the ε-box."""
    from trainables.attacks.algorithms.sign_pgd import ascend, uniform_point

    budget = start.budget
    assert budget.step_size is not None
    run = partial(ascend, epsilon=start.problem.epsilon, step_size=budget.step_size, steps=budget.steps)
    return start.take_turns(run, uniform_point)


PGD = Attack("pgd", "untargeted", run_pgd, Budget(20), adjustable=ADJUSTABLE)
PGD_TARGETED = Attack(
    "pgd_targeted",
    "to a wrong class drawn at random and fixed per image",
    run_pgd,
    Budget(20, targets=1),
    aims="random",
    adjustable=ADJUSTABLE,
)
PGD_LEAST_LIKELY = Attack(
    "pgd_least_likely",
    "towards the least likely class",
    run_pgd,
    Budget(20, targets=1),
    aims="least_likely",
    adjustable=ADJUSTABLE,
)
CW_LINF = Attack(
    "cw_linf", "PGD on Carlini and Wagner's margin", run_pgd, Budget(20), loss="margin", adjustable=ADJUSTABLE
)
