"""What a tested network is asked besides its accuracy: which heads attacks mislead, and where perturbations point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from trainables.adversarial_training.analyses.angles import measure_angles, summarise_angles
from trainables.adversarial_training.analyses.misled_heads import measure_heads, summarise_heads
from trainables.adversarial_training.analyses.task_attacks import PerturbedBatch, TaskAttacks
from trainables.adversarial_training.attacks.attacking import batches
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.settings.evaluation import MOST_ANALYSED, Analysis
from trainables.attacks.frozen import frozen
from trainables.datasets.sampling.samples import Samples

Measure = Callable[[nn.Module, PerturbedBatch], dict[str, Tensor]]
Summarise = Callable[[Mapping[str, Tensor], float], dict[str, float]]

ANALYSES: Mapping[Analysis, tuple[Measure, Summarise]] = {
    "misled_heads": (measure_heads, summarise_heads),
    "angles": (measure_angles, summarise_angles),
}
"""By name: what is measured of each sample of a batch, and the metrics of it all; `epoch_seconds` is the training's."""


@dataclass(frozen=True, eq=False)
class Analysed:
    """Metrics of the test split, and arrays with a value for each analysed sample."""

    metrics: dict[str, float] = field(default_factory=dict)
    arrays: dict[str, Tensor] = field(default_factory=dict)


def analyse(config: Config, model: nn.Module, samples: Samples) -> Analysed:
    """The declared analyses of the bare network `model` on the first `MOST_ANALYSED` samples, attacked as in the test.

    Samples are in an order that keeps their classes' proportions, so the first ones stand for all.
    """
    wanted = [ANALYSES[name] for name in config.analyses if name in ANALYSES]
    if not wanted:
        return Analysed()
    attacks = TaskAttacks(config, "analyses")
    shared = "angles" in config.analyses
    found: list[list[dict[str, Tensor]]] = [[] for _ in wanted]
    with frozen(model):
        for _, images, labels in batches(samples, MOST_ANALYSED):
            batch = attacks.perturb(model, images, labels, shared=shared)
            for results, (measure, _) in zip(found, wanted, strict=True):
                results.append(measure(model, batch))
    metrics: dict[str, float] = {}
    arrays: dict[str, Tensor] = {}
    for results, (_, summarise) in zip(found, wanted, strict=True):
        joined = {name: torch.cat([result[name] for result in results]) for name in results[0]}
        metrics |= summarise(joined, config.attack_epsilon)
        arrays |= joined
    return Analysed(metrics, arrays)
