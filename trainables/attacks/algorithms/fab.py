"""The fast adaptive boundary attack in its targeted form, FAB-T, for the L∞ norm (Croce and Hein, 2020b)."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.attacks.algorithms.box_projection import steps_to_hyperplane
from trainables.attacks.objective import BestIterates, Objective, judge, judge_with_gradient

ALPHA_MAX = 0.1
"""The largest weight of the image's own projection relative to the iterate's in a step."""
OVERSHOOT = 1.05
"""η: how far beyond the linearised boundary a step goes."""
BACKWARD = 0.9
"""β: after a fooling iterate, the next starts at this share of its distance to the image."""
LEAST = 1e-8
"""The least size of a projection's step, so that two of size 0 can be compared."""


def random_start(images: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
    """A point of each image's box of half ε with one pixel at least on its surface, clamped to [0, 1]."""
    draw = 2 * torch.rand(images.shape, generator=generator, dtype=images.dtype).to(images.device) - 1
    largest = draw.flatten(1).abs().amax(1).reshape(-1, 1, 1, 1)
    return (images + 0.5 * epsilon * draw / largest).clamp_(0, 1)


def approach(
    objective: Objective, images: Tensor, start: Tensor, best: BestIterates, *, epsilon: float, iterations: int
) -> None:
    """One run of `iterations` steps from `start` (N, C, H, W) for the samples left in `best`, which records it.

    The loss of `objective` is the difference of the target's logit and the label's, 0 at their boundary, whose nearest
    point is approached, without ε. A sample is fooled, and finished, if an iterate within `epsilon` of `images` in
    [0, 1] is misclassified. Images of samples that nothing fooled stay as in `best`.
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
        fooled = judged.fooled & ((points - originals).flatten(1).abs().amax(1) <= epsilon)
        best.update(which[fooled], points[fooled], judged.of(fooled))
        back = judged.fooled.reshape(-1, 1, 1, 1)
        points = torch.where(back, originals + (points - originals) * BACKWARD, points)
        if fooled.any():
            standing = ~best.fooled[which]
            which, originals, points = which[standing], originals[standing], points[standing]


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
