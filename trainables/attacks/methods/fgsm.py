"""The fast gradient sign method: a single step (Goodfellow et al., 2015)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.attacks.attack import Attack, Budget

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.attacks.runners import Start


def run_fgsm(start: Start) -> Tensor:
    """One step of size ε from the images themselves, which don't count, because they aren't attacked yet."""
    from trainables.attacks.objective import judge, judge_with_gradient

    problem, best = start.problem, start.best()
    images, which = best.images.clone(), best.left()
    unnoted = problem.objective(start.attack.loss, noted=False)
    _, gradient = judge_with_gradient(unnoted, images[which], which)
    stepped = images[which].add_(gradient.sign_(), alpha=problem.epsilon).clamp_(0, 1)
    best.update(which, stepped, judge(problem.objective(start.attack.loss), stepped, which))
    return best.images


FGSM = Attack("fgsm", "one step", run_fgsm, Budget(1))
