"""Runs of an attack in turn, each on what those before it left standing, several in one pass of the network."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from trainables.attacks.objective import PASS_PIXELS, BestIterates, Judged, Objective

Run = Callable[[Objective, Tensor, Tensor, BestIterates], None]
"""A run: takes objective, images (n, C, H, W), their starts (n, C, H, W) and the record of its results."""


def run_in_turn(
    run: Run, objective: Objective, images: Tensor, start_of: Callable[[int], Tensor], turns: int, best: BestIterates
) -> None:
    """`turns` runs on the samples of `images` (N, C, H, W) that are left in `best`, recorded there.

    `objective` judges rows: `turn` · N + `sample`. `start_of`: a turn's starts, (N, C, H, W). The result is
    that of one run after the other. If few samples are left, a step of one run costs little more than its overhead:
    so the first turn, which fools most, runs alone, and then as many together as fit into one pass. A sample that a
    turn fooled is dropped from all later ones; their results for it are discarded.
    """
    first = 0
    while first < turns and len(which := best.left()):
        count = 1 if first == 0 else min(turns - first, _turns_together(images[which]))
        _run_together(run, objective, images, [start_of(first + turn)[which] for turn in range(count)], first, best)
        first += count


def _run_together(
    run: Run, objective: Objective, images: Tensor, starts: list[Tensor], first: int, best: BestIterates
) -> None:
    which, count = best.left(), len(starts)
    repeated = torch.cat([images[which]] * count)
    rows = torch.cat([(first + turn) * len(images) + which for turn in range(count)])
    together = BestIterates(repeated, turns=count)
    run(lambda points, here: objective(points, rows[here]), repeated, torch.cat(starts), together)
    best.evaluations += together.evaluations
    by_turn = (tensor.chunk(count) for tensor in (together.images, together.loss, together.fooled))
    for adversarial, loss, fooled in zip(*by_turn, strict=True):
        standing = ~best.fooled[which]
        best.update(which[standing], adversarial[standing], Judged(loss, fooled).of(standing))


def _turns_together(images: Tensor) -> int:
    """How many times the images (n, C, H, W) fit into one pass, at least once."""
    n, _, height, breadth = images.shape
    return max(1, PASS_PIXELS // (n * height * breadth))
