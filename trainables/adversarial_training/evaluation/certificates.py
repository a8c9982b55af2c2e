"""Certificates of a network smoothed by normal noise (Cohen et al., 2019, algorithm 1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.adversarial_training.attacks.attacking import NOISE_SEED
from trainables.evaluation.checklist.bounds import lower_bound
from trainables.randomness import stream

COPIES = 500
"""Noisy copies of an image that go through the network together; fixed, because their noise is drawn together."""

ABSTAINED = -1


@dataclass(frozen=True)
class Certificate:
    """The smoothed class of an image, or `ABSTAINED`; it is the same for every image nearer than `radius` in L2."""

    label: int
    radius: float


def certify(
    logits_of: Callable[[Tensor], Tensor],
    image: Tensor,
    sigma: float,
    *,
    choosing: int,
    counting: int,
    alpha: float,
    number: int,
) -> Certificate:
    """The certificate of `image` (C, H, W); wrong with a probability of at most `alpha`.

    The class is the most frequent one of `choosing` noisy copies, and `counting` further ones bound its probability
    from below (Clopper and Pearson). `number`: the image's own; its noise depends on it, not on which others are
    certified. Noisy copies are not clipped to [0, 1].
    """
    generator = stream(NOISE_SEED, f"certification {number}")
    first = count_classes(logits_of, image, sigma, choosing, generator)
    label = int(first.argmax())
    agreeing = int(count_classes(logits_of, image, sigma, counting, generator)[label])
    return certificate_of(label, agreeing, counting, sigma, alpha)


def certificate_of(label: int, agreeing: int, counting: int, sigma: float, alpha: float) -> Certificate:
    """The radius σ Φ⁻¹(p) of a class that `agreeing` of `counting` copies have, p being its lower bound, above 1/2.

    Theorem 1 of Cohen et al. with the bound of their algorithm: the second class has at most 1 - p.
    """
    from scipy.stats import norm

    least = lower_bound(agreeing, counting, 1 - alpha)
    if least <= 0.5:
        return Certificate(ABSTAINED, 0.0)
    return Certificate(label, sigma * float(norm.ppf(least)))


def count_classes(
    logits_of: Callable[[Tensor], Tensor], image: Tensor, sigma: float, copies: int, generator: torch.Generator
) -> Tensor:
    """How often each class is answered, (classes,), for so many copies of `image` (C, H, W) with normal noise."""
    counts: Tensor | None = None
    for begun in range(0, copies, COPIES):
        shape = (min(COPIES, copies - begun), *image.shape)
        noise = torch.randn(shape, generator=generator, dtype=image.dtype).to(image.device)
        with torch.no_grad():
            logits = logits_of(image + sigma * noise)
        answers = torch.bincount(logits.argmax(1), minlength=logits.shape[1])
        counts = answers if counts is None else counts + answers
    assert counts is not None
    return counts.cpu()
