"""The declared attacks on the samples of a split, batch by batch, with the same noise for every network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.metrics import TARGETED, attack_name
from trainables.adversarial_training.settings.evaluation import L2_SEARCH_STEPS, Attack, ThreatModel
from trainables.attacks.cw_l2 import cw_l2
from trainables.attacks.fgsm import fgsm
from trainables.attacks.margin import margin
from trainables.attacks.pgd import pgd
from trainables.attacks.targets import least_likely_class, random_wrong_classes
from trainables.datasets.samples import Samples
from trainables.randomness import stream

BATCH = 500
"""Images attacked at once; fixed, because the attack's noise is drawn batch by batch."""

NOISE_SEED = 20261121
"""Seed of the attacks' random starts: the same for every epoch, seed and arm, so that only the network differs."""

SHOWN = 8
"""Adversarial images kept for the gallery."""


@dataclass(frozen=True, eq=False)
class Attacked:
    """What one attack did to N samples.

    `predictions` (N,) of the main task: of several starts the one that fooled the network. `shown`: its first
    adversarial images (those of its first start). `reached` (N,) bool, of a targeted attack: whether its first start
    ended in its target. `norms` (N,), of `cw_l2`: the L2 norm of the smallest perturbation found, ∞ without any.
    """

    predictions: Tensor
    shown: Tensor
    reached: Tensor | None = None
    norms: Tensor | None = None


def batches(samples: Samples, most: int | None = None) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """The first `most` samples in their order: where they stand, pixels (B, C, H, W) and labels (B, 1 + M)."""
    n = min(len(samples), most or len(samples))
    for first in range(0, n, BATCH):
        here = slice(first, min(first + BATCH, n))
        yield here, *samples.__getitems__(list(range(here.start, here.stop)))


def loss_on_heads(logits: Sequence[Tensor], labels: Tensor, attack: Attack, targets: Tensor | None = None) -> Tensor:
    """What `attack` raises, summed over samples and heads; `labels` and `targets`: (N, heads).

    The margin of `cw_linf`, the negative cross-entropy to the targets of a targeted attack, else the cross-entropy.
    """
    if attack == "cw_linf":
        return torch.stack([margin(head, labels[:, m]).sum() for m, head in enumerate(logits)]).sum()
    aim, sign = (labels, 1) if targets is None else (targets, -1)
    losses = [F.cross_entropy(head, aim[:, m], reduction="sum") for m, head in enumerate(logits)]
    return sign * torch.stack(losses).sum()


def attack_samples(
    config: Config,
    model: nn.Module,
    samples: Samples,
    clean: Sequence[Tensor],
    attack: Attack,
    threat_model: ThreatModel,
) -> Attacked:
    """Attack all samples within ε of the evaluation; `model` is frozen, `clean`: its logits on them, one per head.

    A further start attacks only images that the starts before it left standing, which changes no accuracy. Images that
    other attacks broke, or that are misclassified as they are, are not left out: each attack's own accuracy, and
    whether it lies above clean accuracy, would no longer be measured.
    """
    name = attack_name(attack, threat_model)
    heads = 1 if threat_model == "main_head" else len(clean)
    restarts = 1 if attack == "fgsm" else config.attack_restarts
    targets = _targets(attack, samples.labels[:, :heads], clean[:heads], restarts)
    main = samples.labels[:, 0]
    predictions, reached = clean[0].argmax(1), torch.zeros_like(main, dtype=torch.bool)
    shown: list[Tensor] = []
    for restart in range(restarts):
        generator = stream(NOISE_SEED, f"{name} {restart}")
        for here, images, labels in batches(samples):
            # drawn for the whole batch, whatever is left of it, so that each image meets the noise it always met
            noise = None if attack == "fgsm" else torch.rand(images.shape, generator=generator, dtype=images.dtype)
            standing = predictions[here] == main[here] if restart else torch.ones_like(main[here], dtype=torch.bool)
            left = standing.nonzero().squeeze(1)
            if not len(left):
                continue
            aims = None if targets is None else targets[restart][here][left]
            known = labels[left, :heads]

            def loss_of(adversarial: Tensor, known: Tensor = known, aims: Tensor | None = aims) -> Tensor:
                return loss_on_heads(model(adversarial)[:heads], known, attack, aims)

            adversarial = (
                fgsm(loss_of, images[left], config.attack_epsilon)
                if noise is None
                else pgd(
                    loss_of,
                    images[left],
                    config.attack_epsilon,
                    config.attack_step_size,
                    config.attack_steps,
                    random_start=True,
                    noise=noise[left.to(noise.device)],
                )
            )
            with torch.no_grad():
                answers = model(adversarial)[0].argmax(1)
            predictions[here.start + left] = answers
            if restart == 0:
                if aims is not None:
                    reached[here] = answers == aims[:, 0]
                if not shown:
                    shown.append(adversarial[:SHOWN])
    return Attacked(predictions, shown[0], reached if targets is not None else None)


def attack_without_bound(
    config: Config, model: nn.Module, samples: Samples, clean: Sequence[Tensor], threat_model: ThreatModel
) -> Attacked:
    """Carlini and Wagner's L2 attack; a prediction is the clean one where no perturbation within `l2_budget` fools.

    Against all heads it raises every head's margin, and succeeds where the main head is fooled.
    """
    heads = 1 if threat_model == "main_head" else len(clean)
    predictions, norms, shown = clean[0].argmax(1), [], []
    for here, images, labels in batches(samples):

        def margins_of(adversarial: Tensor, which: Tensor, labels: Tensor = labels) -> Tensor:
            logits = model(adversarial)[:heads]
            return torch.stack([margin(head, labels[which, m]) for m, head in enumerate(logits)], dim=1)

        found = cw_l2(margins_of, images, iterations=config.l2_iterations, search_steps=L2_SEARCH_STEPS)
        norms.append(found.norms)
        shown.append(found.adversarial[:SHOWN])
        with torch.no_grad():
            answers = model(found.adversarial)[0].argmax(1)
        predictions[here] = torch.where(found.norms <= config.l2_budget, answers, predictions[here])
    return Attacked(predictions, shown[0], norms=torch.cat(norms))


def _targets(attack: Attack, labels: Tensor, clean: Sequence[Tensor], restarts: int) -> list[Tensor] | None:
    """The wrong classes that each start aims at, (N, heads) each; None for untargeted attacks.

    Random ones are fixed by the sample's place in the split; further starts take further ones, in turn.
    """
    if attack not in TARGETED:
        return None
    if attack == "pgd_least_likely":
        aims = [least_likely_class(head, labels[:, m]) for m, head in enumerate(clean)]
        return [torch.stack(aims, dim=1)] * restarts
    orders = [
        # the main head's are the same whatever the threat model
        random_wrong_classes(labels[:, m], head.shape[1], stream(NOISE_SEED, f"{attack} classes {m}"))
        for m, head in enumerate(clean)
    ]
    return [torch.stack([order[:, restart % order.shape[1]] for order in orders], dim=1) for restart in range(restarts)]
