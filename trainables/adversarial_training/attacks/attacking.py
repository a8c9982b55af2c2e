"""The declared attacks on the samples of a split, batch by batch, with the same noise for every network."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainables.adversarial_training.attacks.attack_plan import PlannedAttack
from trainables.attacks.algorithms.cw_l2 import SmallestPerturbation
from trainables.attacks.in_parts import in_parts
from trainables.attacks.problem import Problem
from trainables.attacks.runners import run_attack
from trainables.datasets.sampling.samples import Samples
from trainables.evaluation.graph_size import images_at_once
from trainables.randomness import stream

ATTACKED_BYTES = 16 * 2**30
"""Bytes of the graph of an attack's pass on a GPU, at most; 500 images of 32 pixels need less in a WideResNet-28-10."""

BATCH = 500
"""Images whose noise is drawn together; fixed, so that draws don't depend on how many fit into memory."""

NOISE_SEED = 20261121
"""Seed of the attacks' random starts: the same for every epoch, seed and arm, so that only the network differs."""


@dataclass(frozen=True, eq=False)
class Attacked:
    """What one attack did to N samples.

    `predictions` (N,) of the main task: a wrong class where any iterate of any start fooled the network, else the
    right one. `facts`: the attack and its budget, as plain values. `metric`: the name of its metrics. `alone`: it
    attacked all samples, so that it has its own accuracy; else those that were left standing. `reached` (N,)
    bool, where an attack has one target for each sample: whether its first start ever reached it. `norms` (N,), of
    `cw_l2`: the L2 norm of the smallest perturbation found, ∞ without any. `escalated`: it ran for what another found.
    """

    predictions: Tensor
    metric: str
    facts: Mapping[str, Any]
    alone: bool = True
    reached: Tensor | None = None
    norms: Tensor | None = None
    escalated: bool = False


def batches(samples: Samples, most: int | None = None) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """The first `most` samples in their order: their slice, pixels (B, C, H, W) and labels (B, 1 + M)."""
    n = min(len(samples), most or len(samples))
    for first in range(0, n, BATCH):
        here = slice(first, min(first + BATCH, n))
        yield here, *samples.__getitems__(list(range(here.start, here.stop)))


def predict(model: nn.Module, samples: Samples) -> list[Tensor]:
    """The logits of all samples, (N, classes) for each head."""
    answer = in_parts(model, images_of_a_pass(model, samples))
    with torch.no_grad():
        answers = [answer(images) for _, images, _ in batches(samples)]
    return [torch.cat(heads) for heads in zip(*answers, strict=True)]


def images_of_a_pass(model: nn.Module, samples: Samples) -> int:
    """How many images may go through the network at once on a GPU; a CPU's caches set another limit (see `passes`).

    Attacks with several targets repeat a batch several times, so that these can be more than `BATCH`.
    """
    if samples.split.device.type == "cpu":
        return sys.maxsize
    pixels, _ = samples.__getitems__([0])
    return images_at_once(lambda images: torch.cat(model(images), dim=1), pixels, ATTACKED_BYTES, sys.maxsize)


def problems(
    planned: PlannedAttack,
    model: nn.Module,
    samples: Samples,
    clean: Sequence[Tensor],
    alive: Tensor,
    most: int | None = None,
) -> Iterator[tuple[slice, Problem]]:
    """The attack's problems, batch by batch, for the first `most` samples; see `attack_samples`."""
    heads = 1 if planned.threat_model == "main_head" else len(clean)

    def heads_of(images: Tensor) -> Sequence[Tensor]:
        logits: Sequence[Tensor] = model(images)[:heads]
        return logits

    answer = in_parts(heads_of, images_of_a_pass(model, samples))
    for here, images, labels in batches(samples, most):

        def draw(purpose: str, first: int = here.start) -> torch.Generator:
            # the same under every threat model, in every set and next to any other batches
            return stream(NOISE_SEED, f"{planned.attack.name} {purpose}" + (f" {first}" if first else ""))

        known = [logits[here] for logits in clean[:heads]]
        yield here, Problem(answer, images, labels[:, :heads], known, planned.epsilon, draw, alive[here])


def attack_samples(
    planned: PlannedAttack, model: nn.Module, samples: Samples, clean: Sequence[Tensor], alive: Tensor | None = None
) -> Attacked:
    """Attack the samples that are `alive` (N,) bool, or all; `model` is frozen, `clean`: its logits, one per head.

    A further start attacks only images that those before it left standing. What an attack does to a sample doesn't
    depend on which others it attacks. An attack with its own accuracy gets all samples, including those that are
    misclassified when clean; otherwise an accuracy above the clean one would go unnoticed.
    """
    main = samples.labels[:, 0]
    alive = torch.ones_like(main, dtype=torch.bool) if alive is None else alive
    if not planned.attack.within_epsilon:
        return _attack_without_bound(planned, model, samples, clean, alive)
    alone = planned.of_set is None
    predictions, reached = main.clone(), torch.zeros_like(main, dtype=torch.bool)
    for here, problem in problems(planned, model, samples, clean, alive):
        run_attack(planned.attack, problem, planned.budget)
        predictions[here], reached[here] = problem.record.predictions, problem.record.reached
    targeted = alone and planned.attack.has_target_rate
    return Attacked(
        predictions,
        planned.metric,
        planned.facts(),
        alone,
        reached if targeted else None,
        escalated=planned.is_escalation,
    )


def _attack_without_bound(
    planned: PlannedAttack, model: nn.Module, samples: Samples, clean: Sequence[Tensor], alive: Tensor
) -> Attacked:
    """Carlini and Wagner's L2 attack; a prediction is the clean one where no perturbation within the budget fools."""
    predictions, norms = clean[0].argmax(1), []
    for here, problem in problems(planned, model, samples, clean, alive):
        smallest: SmallestPerturbation = planned.attack.run(problem, planned.budget)
        norms.append(smallest.norms)
        within = (smallest.norms <= planned.epsilon).nonzero()[:, 0]
        if len(within):
            with torch.no_grad():
                predictions[here.start + within] = model(smallest.adversarial[within])[0].argmax(1)
    return Attacked(predictions, planned.metric, planned.facts(), norms=torch.cat(norms))
