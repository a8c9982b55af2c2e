"""Auto-PGD in the L∞ ball (Croce and Hein, 2020): PGD with momentum whose step size halves where it stops helping."""

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
    judge_with_gradient,
)
from trainables.attacks.turns import run_in_turn
from trainables.randomness import forked

MOMENTUM = 0.75
"""The share of the new step; the rest is that of the last one."""
RHO = 0.75
"""The step halves where the loss rose in at most this share of the steps since the last checkpoint."""
FIRST_PERIOD, SHORTER, SHORTEST = 0.22, 0.03, 0.06
"""Shares of all iterations: the first checkpoint, how much shorter every period is than the last, and the shortest."""


def apgd(
    objective: Objective,
    images: Tensor,
    epsilon: float,
    *,
    iterations: int = 100,
    restarts: int = 1,
    generator: torch.Generator | None = None,
) -> AttackResult:
    """Auto-PGD from random points on the surface of the ε-box around `images` (N, C, H, W) in [0, 1].

    Samples that an iterate fooled, the start included, take no further step, and further restarts attack the
    remaining ones. All starts are drawn together from `generator` (a CPU one), even if not all are needed.
    """
    return apgd_in_turn(
        objective, images, epsilon, turns=1, iterations=iterations, restarts=restarts, generator=generator
    )


def apgd_in_turn(
    objective: Objective,
    images: Tensor,
    epsilon: float,
    *,
    turns: int,
    iterations: int = 100,
    restarts: int = 1,
    generator: torch.Generator | None = None,
) -> AttackResult:
    """`apgd` with one loss after the other on the remaining samples, as APGD-T raises one for each target.

    `objective` judges rows, `turn` · N + `sample`; see `run_in_turn`. Losses of several turns are compared
    where nothing fooled: a result's image is that of the highest of all.
    """
    images = images.detach().contiguous()
    best, n = BestIterates(images), len(images)
    streams = forked(generator, turns * restarts)

    def start_of(start: int) -> Tensor:
        return random_surface_point(images, epsilon, streams[start])

    def of_start(points: Tensor, rows: Tensor) -> Judged:
        return objective(points, rows // n // restarts * n + rows % n)

    objective_of_turn = objective if restarts == 1 else of_start
    run_in_turn(
        partial(climb, epsilon=epsilon, iterations=iterations),
        objective_of_turn,
        images,
        start_of,
        turns * restarts,
        best,
    )
    return best.result()


def random_surface_point(images: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
    """A point of each image's ε-box with one pixel at least on its surface, clamped to [0, 1]."""
    draw = 2 * torch.rand(images.shape, generator=generator, dtype=images.dtype).to(images.device) - 1
    largest = draw.flatten(1).abs().amax(1).reshape(-1, 1, 1, 1)
    return (images + epsilon * draw / (largest + 1e-12)).clamp_(0, 1)


@dataclass(eq=False)
class _Climb:
    """The state of the n remaining samples; images are (n, C, H, W), other fields (n,)."""

    which: Tensor
    lowest: Tensor
    highest: Tensor
    point: Tensor
    last_point: Tensor
    gradient: Tensor
    best_point: Tensor
    best_gradient: Tensor
    fooled: Tensor  # by the current point
    loss: Tensor
    best_loss: Tensor
    last_loss: Tensor
    step: Tensor
    rises: Tensor  # steps since the last checkpoint that raised the loss
    checked_loss: Tensor  # the best loss at the last checkpoint
    halved: Tensor  # whether the step was halved then

    def of(self, rows: Tensor) -> _Climb:
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def climb(
    objective: Objective, images: Tensor, start: Tensor, best: BestIterates, *, epsilon: float, iterations: int
) -> None:
    """One run of `iterations` steps from `start` (N, C, H, W) for the samples left in `best`, which records it."""
    which = best.left()
    if not len(which):
        return
    state = _without_fooled(_begin(objective, images[which], epsilon, start[which], which, best), best)
    period, shorter, shortest = (max(int(share * iterations), 1) for share in (FIRST_PERIOD, SHORTER, SHORTEST))
    checkpoint = period
    for iteration in range(iterations):
        if not len(state.which):
            return
        _step(objective, state, 1.0 if iteration == 0 else MOMENTUM, best)
        state = _without_fooled(state, best)
        if iteration + 1 == checkpoint:
            _check(state, period)
            period = max(period - shorter, shortest)
            checkpoint += period
    best.update(state.which, state.best_point, Judged(state.best_loss, state.fooled))


def _begin(
    objective: Objective, images: Tensor, epsilon: float, start: Tensor, which: Tensor, best: BestIterates
) -> _Climb:
    judged, gradient = judge_with_gradient(objective, start, which)
    best.evaluations += len(which)
    return _Climb(
        which=which,
        lowest=(images - epsilon).clamp_(0, 1),
        highest=(images + epsilon).clamp_(0, 1),
        point=start,
        last_point=start.clone(),
        gradient=gradient,
        best_point=start.clone(),
        best_gradient=gradient.clone(),
        fooled=judged.fooled,
        loss=judged.loss,
        best_loss=judged.loss.clone(),
        # AutoAttack compares the first step's loss with 0, not with the start's; results must agree with it
        last_loss=torch.zeros_like(judged.loss),
        step=torch.full_like(judged.loss, 2 * epsilon),
        rises=torch.zeros_like(judged.loss),
        checked_loss=judged.loss.clone(),
        halved=torch.ones_like(judged.fooled),
    )


def _step(objective: Objective, state: _Climb, momentum: float, best: BestIterates) -> None:
    aim = torch.sign(state.gradient).mul_(_per_image(state.step)).add_(state.point)
    torch.clamp(aim, state.lowest, state.highest, out=aim)
    moved = aim.sub_(state.point).mul_(momentum).add_(state.point)
    moved.add_(state.point - state.last_point, alpha=1 - momentum)
    torch.clamp(moved, state.lowest, state.highest, out=moved)
    state.last_point, state.point = state.point, moved
    judged, state.gradient = judge_with_gradient(objective, moved, state.which)
    best.evaluations += len(moved)
    state.loss, state.fooled = judged.loss, judged.fooled
    state.rises += state.loss > state.last_loss
    state.last_loss = state.loss
    better = (state.loss > state.best_loss).nonzero().squeeze(1)
    state.best_point[better] = moved[better]
    state.best_gradient[better] = state.gradient[better]
    state.best_loss[better] = state.loss[better]


def _without_fooled(state: _Climb, best: BestIterates) -> _Climb:
    """The samples that continue; the iterates of those that are fooled are recorded in `best`."""
    if not state.fooled.any():
        return state
    fooled_rows = state.fooled.nonzero().squeeze(1)
    best.update(state.which[fooled_rows], state.point[fooled_rows], Judged(state.loss, state.fooled).of(fooled_rows))
    return state.of((~best.fooled[state.which]).nonzero().squeeze(1))


def _check(state: _Climb, period: int) -> None:
    """Halve the step of samples that improved little in `period` iterations, and return them to their best point."""
    stuck = (state.rises <= RHO * period) | (~state.halved & (state.checked_loss >= state.best_loss))
    back = stuck.nonzero().squeeze(1)
    state.step[back] /= 2
    state.point[back] = state.best_point[back]
    state.gradient[back] = state.best_gradient[back]
    state.halved, state.checked_loss = stuck, state.best_loss.clone()
    state.rises.zero_()


def _per_image(values: Tensor) -> Tensor:
    """One value per image, (n, 1, 1, 1)."""
    return values.reshape(-1, 1, 1, 1)
