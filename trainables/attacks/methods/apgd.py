"""Auto-PGD, whose step size follows the loss (Croce and Hein, 2020), on three losses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from trainables.attacks.attack import Attack, Budget

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.attacks.runners import Start


def run_apgd(start: Start) -> Tensor:
    """Auto-PGD from a random point on the surface of the ε-box."""
    from trainables.attacks.algorithms.apgd import climb, random_surface_point

    run = partial(climb, epsilon=start.problem.epsilon, iterations=start.budget.steps)
    return start.take_turns(run, random_surface_point)


APGD_CE = Attack(
    "apgd_ce",
    "Auto-PGD, whose step size follows the loss, on the cross-entropy",
    run_apgd,
    Budget(100),
    adjustable=("restarts",),
)
APGD_MARGIN = Attack(
    "apgd_margin", "Auto-PGD on the margin", run_apgd, Budget(100), loss="margin", adjustable=("restarts",)
)
APGD_T = Attack(
    "apgd_t",
    "Auto-PGD towards the nine likeliest wrong classes in turn, on the targeted DLR loss",
    run_apgd,
    Budget(100, targets=9),
    loss="dlr",
    aims="likely",
    adjustable=("restarts",),
)
