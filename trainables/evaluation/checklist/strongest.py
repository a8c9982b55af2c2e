"""The strongest attacks of the checklist, with gradients and without, each on what those before it left standing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from trainables.attacks.algorithms.apgd import apgd, apgd_in_turn
from trainables.attacks.algorithms.losses import cross_entropy, targeted_loss
from trainables.attacks.algorithms.margin import margin
from trainables.attacks.algorithms.square import square
from trainables.attacks.objective import Judged, Objective
from trainables.attacks.targets import likeliest_wrong_classes
from trainables.evaluation.checklist.network import Network
from trainables.evaluation.checklist.subject import Subject
from trainables.randomness import stream

ITERATIONS, TARGETS, QUERIES = 50, 9, 1_000
"""On digits and MNIST twice the iterations and five times the queries changed no verdict, and few images."""

LONG_ITERATIONS, LONG_IMAGES = 500, 20
"""Iterations of APGD-T on the few images that a gradient-free attack fooled: climbs that end too soon leave few (in an
honest network of MNIST, at ε = .3, Square fooled 3 of 103 that were left, these climbs one of them), masked gradients
many."""


class Attacked(Protocol):
    """The model under test, N `images` (N, C, H, W) of `main` classes (N,), and its logits of them."""

    subject: Subject
    network: Network
    images: Tensor
    epsilon: float
    main: Tensor

    @property
    def heads(self) -> list[Tensor]:
        """The logits of each head, the main one first."""

    @property
    def classes(self) -> int:
        """Classes of the main head."""


@dataclass(frozen=True, eq=False)
class Strongest:
    """The result of attacks with gradients: `standing` (N,) bool; `images` (N, C, H, W), fooling ones if found.

    `found`: how many images each of them fooled, in the order in which they ran.
    """

    standing: Tensor
    images: Tensor
    found: dict[str, int]


def white_box(evidence: Attacked, standing: Tensor) -> Strongest:
    """APGD on margin and cross-entropy, and APGD-T, on the images that are `standing`, (N,) bool."""
    images, worst = evidence.images.clone(), {}
    for name, attack in ATTACKS.items():
        which = standing.nonzero().squeeze(1)
        if len(which):
            fooled, adversarial = attack(evidence, which)
            images[which] = adversarial
            standing = standing.clone()
            standing[which[fooled]] = False
        worst[name] = int(len(which) - standing.sum())
    return Strongest(standing, images, worst)


def black_box(evidence: Attacked, standing: Tensor) -> Tensor:
    """Which of the `standing` images Square fools, (N,) bool; it uses no gradient of the model."""
    which = standing.nonzero().squeeze(1)
    fooled = torch.zeros_like(standing)
    if len(which):
        attacked = square(
            objective_of(evidence, which, margin),
            evidence.images[which],
            evidence.epsilon,
            queries=QUERIES,
            rescaled=True,
            generator=stream(evidence.subject.seed, "square"),
        )
        # the results of its own queries count only if a new query gives the same
        fooled[which] = evidence.network.fooled(attacked.images, evidence.main[which])
    return fooled


def objective_of(evidence: Attacked, which: Tensor, loss: Callable[[Tensor, Tensor], Tensor]) -> Objective:
    """Raise a loss of the main head's logits and labels for the samples at `which` (n,) of all."""
    network, own = evidence.network, evidence.main[which]

    def objective(images: Tensor, here: Tensor) -> Judged:
        heads, finite = network.attacked(images)
        wrong = (heads[0].argmax(1) != own[here]) | ~finite
        return Judged(loss(heads[0], own[here]), wrong)

    return objective


def restarted(evidence: Attacked, which: Tensor, restarts: int, iterations: int) -> Tensor:
    """Which of the samples at `which` (n,) APGD on the margin fools from `restarts` further starts, (n,) bool."""
    generator = stream(evidence.subject.seed, "restarts")
    objective = objective_of(evidence, which, margin)
    images = evidence.images[which]
    return apgd(
        objective, images, evidence.epsilon, iterations=iterations, restarts=restarts, generator=generator
    ).fooled


def _apgd(
    evidence: Attacked, which: Tensor, name: str, loss: Callable[[Tensor, Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    generator = stream(evidence.subject.seed, name)
    objective = objective_of(evidence, which, loss)
    result = apgd(objective, evidence.images[which], evidence.epsilon, iterations=ITERATIONS, generator=generator)
    return result.fooled, result.images


def without_gradients_alone(evidence: Attacked, fooled: Tensor) -> Tensor:
    """Which of the images that a gradient-free attack `fooled`, (N,) bool, withstand longer attacks with gradients.

    If gradients do fool them, the shorter climbs had not finished, and nothing is masked. The first
    `LONG_IMAGES` are tried; the others count unchanged.
    """
    which = fooled.nonzero().squeeze(1)[:LONG_IMAGES]
    alone = fooled.clone()
    if len(which):
        newly_fooled, _ = _apgd_t(evidence, which, "long apgd_t", LONG_ITERATIONS)
        alone[which[newly_fooled]] = False
    return alone


def _apgd_t(
    evidence: Attacked, which: Tensor, name: str = "apgd_t", iterations: int = ITERATIONS
) -> tuple[Tensor, Tensor]:
    targets = _targets(evidence, which)
    result = apgd_in_turn(
        _towards(evidence, which, targets),
        evidence.images[which],
        evidence.epsilon,
        turns=len(targets),
        iterations=iterations,
        generator=stream(evidence.subject.seed, name),
    )
    return result.fooled, result.images


def _towards(evidence: Attacked, which: Tensor, targets: Tensor) -> Objective:
    """Raise the targeted loss towards the targets of the samples at `which` (n,), (turns, n), turn by turn."""
    network, own, aims = evidence.network, evidence.main[which].repeat(len(targets)), targets.flatten()
    loss = targeted_loss(evidence.heads[0].shape[1])

    def objective(images: Tensor, rows: Tensor) -> Judged:
        heads, finite = network.attacked(images)
        wrong = (heads[0].argmax(1) != own[rows]) | ~finite
        return Judged(loss(heads[0], own[rows], aims[rows]), wrong)

    return objective


def _targets(evidence: Attacked, which: Tensor) -> Tensor:
    """The targets of each of the samples at `which` (n,), the likeliest wrong class first, (turns, n)."""
    logits = evidence.heads[0][which].float().nan_to_num(0.0, 1e30, -1e30)[:, : evidence.classes]
    return likeliest_wrong_classes(logits, evidence.main[which], min(TARGETS, evidence.classes - 1)).T


ATTACKS: dict[str, Callable[[Attacked, Tensor], tuple[Tensor, Tensor]]] = {
    "apgd_margin": partial(_apgd, name="apgd_margin", loss=margin),
    "apgd_ce": partial(_apgd, name="apgd_ce", loss=cross_entropy),
    "apgd_t": _apgd_t,
}
"""The attacks in the order in which they run."""
