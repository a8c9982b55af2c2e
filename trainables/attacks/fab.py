"""The fast adaptive boundary attack in its targeted form, FAB-T, for the L∞ norm (Croce and Hein, 2020b)."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.attacks.box_projection import steps_to_hyperplane
from trainables.attacks.losses import targeted_margin
from trainables.attacks.objective import (
    AttackResult,
    BestIterates,
    LogitsOf,
    Objective,
    in_memory_order,
    judge,
    judge_with_gradient,
    logits_in_passes,
    targeted,
)
from trainables.attacks.targets import likeliest_wrong_classes
from trainables.randomness import forked

ALPHA_MAX = 0.1
"""The most that a step leans to the image's own projection rather than to the iterate's."""
OVERSHOOT = 1.05
"""η: how far beyond the linearised boundary a step goes."""
BACKWARD = 0.9
"""β: where an iterate fooled, the next starts at this share of its distance to the image."""
LEAST = 1e-8
"""The least size of a projection's step, so that two of size 0 can be compared."""


def fab_t(
    logits_of: LogitsOf,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    *,
    targets: int = 9,
    iterations: int = 100,
    restarts: int = 1,
    generator: torch.Generator | None = None,
) -> AttackResult:
    """FAB-T against each of the `targets` most likely wrong classes (at most all) in turn, on samples that are left.

    It approaches the nearest point of the boundary to a target and knows no ε; a sample is fooled, and done, where an
    iterate within `epsilon` of `images` (N, C, H, W) in [0, 1] is misclassified, which may be the image itself. The
    first run of each target starts there, further ones at random points drawn from `generator` (a CPU one). Images
    of samples that nothing fooled are returned as they are.
    """
    images = in_memory_order(images)
    logits = logits_in_passes(logits_of, images)
    best = BestIterates(images)
    best.evaluations = len(images)
    best.fooled = logits.argmax(1) != labels
    aims = likeliest_wrong_classes(logits, labels, min(targets, logits.shape[1] - 1))
    streams = iter(forked(generator, aims.shape[1] * restarts))
    for target in aims.unbind(1):
        objective = targeted(logits_of, labels, target, targeted_margin)
        for restart in range(restarts):
            stream = next(streams)
            start = random_start(images, epsilon, stream) if restart else images
            approach(objective, images, epsilon, start, iterations, best)
    return best.result()


def random_start(images: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
    """A point of each image's box of half ε with one pixel at least on its surface, clamped to [0, 1]."""
    draw = 2 * torch.rand(images.shape, generator=generator, dtype=images.dtype).to(images.device) - 1
    largest = draw.flatten(1).abs().amax(1).reshape(-1, 1, 1, 1)
    return (images + 0.5 * epsilon * draw / largest).clamp_(0, 1)


def approach(
    objective: Objective, images: Tensor, epsilon: float, start: Tensor, iterations: int, best: BestIterates
) -> None:
    """One run of `iterations` steps from `start` (N, C, H, W) for the samples that `best` has left, told to `best`.

    The loss of `objective` is the difference of the target's logit and the label's, 0 at their boundary.
    """
    which = best.left()
    originals, points = images[which], start[which]
    for _ in range(iterations):
        if not len(which):
            return
        judged, normals = judge_with_gradient(objective, points, which)
        points = _step(originals, points, judged.loss, normals)
        judged = judge(objective, points, which)
        best.evaluations += 2 * len(which)
        done = judged.fooled & ((points - originals).flatten(1).abs().amax(1) <= epsilon)
        best.update(which[done], points[done], judged.of(done))
        back = judged.fooled.reshape(-1, 1, 1, 1)
        points = torch.where(back, originals + (points - originals) * BACKWARD, points)
        if done.any():
            which, originals, points = which[~done], originals[~done], points[~done]


def _step(originals: Tensor, points: Tensor, values: Tensor, normals: Tensor) -> Tensor:
    """Towards the linearised boundary, on which `values` (n,) + `normals` · (x - points) is 0, and to the image."""
    at_originals = values + (normals * (originals - points)).flatten(1).sum(1)
    steps = steps_to_hyperplane(
        torch.cat([points, originals]), torch.cat([normals, normals]), torch.cat([values, at_originals])
    )
    sizes = steps.flatten(1).abs().amax(1).clamp_min(LEAST)
    (own, back), (size, size_back) = steps.chunk(2), sizes.chunk(2)
    lean = (size / (size + size_back)).clamp_max(ALPHA_MAX).reshape(-1, 1, 1, 1)
    return ((points + OVERSHOOT * own) * (1 - lean) + (originals + OVERSHOOT * back) * lean).clamp_(0, 1)
