"""PGD in the L∞ ball (Madry et al., 2018) for evaluation: any fooling iterate counts, and fooled samples stop.

`pgd` returns the last iterate, for training; on MNIST that misses up to 7 points of failures.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import partial

import torch
from torch import Tensor

from trainables.attacks.objective import (
    AttackResult,
    BestIterates,
    Judged,
    Objective,
    judge,
    judge_with_gradient,
)
from trainables.attacks.turns import run_in_turn
from trainables.randomness import forked

GAP, GROWTH = 4, 1.25
"""An iterate is compared with an earlier one that is renewed after GAP steps, later when steps grew by GROWTH.

So a cycle no longer than a fifth of the steps is detected at most a quarter of the steps after it closed, and one image
per sample is kept for it, for any number of steps.
"""


def sign_pgd(
    objective: Objective,
    images: Tensor,
    epsilon: float,
    step_size: float,
    steps: int,
    *,
    random_start: bool,
    restarts: int = 1,
    generator: torch.Generator | None = None,
    detect_cycles: bool = True,
) -> AttackResult:
    """`steps` sign steps that raise the objective from `restarts` starts around `images` (N, C, H, W) in [0, 1].

    A random start is uniform in the ε-box, clamped to [0, 1], drawn from `generator` (a CPU one) for all samples;
    without, a sample starts at its image. Samples that an iterate fooled, the start included, take no further step.
    Nor does one whose iterate repeats exactly: as the next iterate depends only on the current one, it would only go
    round (arXiv 2503.19347), so `detect_cycles` changes the time but not the result.
    """
    images = images.detach().contiguous()
    best = BestIterates(images)
    streams = forked(generator, restarts)

    def start_of(restart: int) -> Tensor:
        return uniform_point(images, epsilon, streams[restart]) if random_start else images

    def of_any_start(points: Tensor, rows: Tensor) -> Judged:
        return objective(points, rows % len(images))

    run = partial(ascend, epsilon=epsilon, step_size=step_size, steps=steps, detect_cycles=detect_cycles)
    run_in_turn(run, of_any_start, images, start_of, restarts, best)
    return best.result()


def uniform_point(images: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
    """A point of each image's ε-box, clamped to [0, 1]."""
    draw = 2 * torch.rand(images.shape, generator=generator, dtype=images.dtype).to(images.device) - 1
    return (images + epsilon * draw).clamp_(0, 1)


@dataclass(eq=False)
class _Ascent:
    """The state of the n remaining samples; images are (n, C, H, W), `which` and `best_loss` (n,)."""

    which: Tensor
    lowest: Tensor
    highest: Tensor
    point: Tensor
    gradient: Tensor
    best_point: Tensor
    best_loss: Tensor
    earlier: Tensor  # an earlier iterate, with which the current one is compared

    def of(self, rows: Tensor) -> _Ascent:
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def ascend(
    objective: Objective,
    images: Tensor,
    start: Tensor,
    best: BestIterates,
    *,
    epsilon: float,
    step_size: float,
    steps: int,
    detect_cycles: bool = True,
) -> None:
    """One run from `start` (N, C, H, W) for the samples left in `best`, recorded there."""
    state = _begin(objective, images, epsilon, start, best)
    renewal = GAP
    for step in range(1, steps + 1):
        _move(state, step_size)
        if detect_cycles:
            state = _without(state, (state.point == state.earlier).flatten(1).all(1), best)
            if step == renewal:
                state.earlier = state.point.clone()
                renewal = max(step + GAP, int(step * GROWTH))
        if not len(state.which):
            return
        state = _judge(objective, state, step == steps, best)
    _tell(state, best)


def _begin(objective: Objective, images: Tensor, epsilon: float, start: Tensor, best: BestIterates) -> _Ascent:
    which = best.left()
    point = start[which]
    lowest, highest = (images[which] - epsilon).clamp_(0, 1), (images[which] + epsilon).clamp_(0, 1)
    lowest_loss = torch.full_like(point[:, 0, 0, 0], -torch.inf)
    state = _Ascent(which, lowest, highest, point, torch.zeros_like(point), point.clone(), lowest_loss, point.clone())
    return _judge(objective, state, False, best)


def _move(state: _Ascent, step_size: float) -> None:
    state.point = state.point.add(torch.sign(state.gradient), alpha=step_size)
    torch.clamp(state.point, state.lowest, state.highest, out=state.point)


def _judge(objective: Objective, state: _Ascent, last: bool, best: BestIterates) -> _Ascent:
    """Record the losses of the iterates and drop those that fool; the last ones need no gradient."""
    if last:
        judged = judge(objective, state.point, state.which)
    else:
        judged, state.gradient = judge_with_gradient(objective, state.point, state.which)
    best.evaluations += len(state.which)
    better = (judged.fooled | (judged.loss > state.best_loss)).nonzero().squeeze(1)
    state.best_point[better] = state.point[better]
    state.best_loss[better] = judged.loss[better]
    return _without(state, judged.fooled, best, fooled=True)


def _without(state: _Ascent, finished: Tensor, best: BestIterates, *, fooled: bool = False) -> _Ascent:
    if not finished.any():
        return state
    _tell(state.of(finished), best, fooled=fooled)
    state = state.of(~finished)
    return state.of(~best.fooled[state.which]) if fooled else state


def _tell(state: _Ascent, best: BestIterates, *, fooled: bool = False) -> None:
    best.update(
        state.which, state.best_point, Judged(state.best_loss, torch.full_like(state.which, fooled, dtype=torch.bool))
    )
