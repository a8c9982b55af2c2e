"""By how much longer attacks lower the worst case: more steps first, then more starts.

A worst case that the ladder moves by half a point or more was measured by attacks that gave up too early (Carlini et
al., 2019). Each rung attacks what all before it left standing, the declared attacks included.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainables.adversarial_training.attacks.attack_plan import ladder_rungs
from trainables.adversarial_training.attacks.attacking import attack_samples, predict
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.settings.evaluation import MOST_ANALYSED
from trainables.attacks.frozen import frozen
from trainables.datasets.sampling.samples import Samples


def climb_ladder(config: Config, model: nn.Module, samples: Samples, survived: Tensor) -> dict[str, float]:
    """The worst case of the first `MOST_ANALYSED` samples as declared and after each rung, and by how much it moved.

    `survived` (N,) bool: which samples the declared attacks left standing. All of them are as many shares of 1.
    """
    analysed = torch.arange(len(samples), device=survived.device) < MOST_ANALYSED
    count, standing = int(analysed.sum()), survived & analysed
    declared = int(standing.sum()) / count
    metrics = {"test/budget_ladder.declared": declared}
    with frozen(model):
        clean = predict(model, samples)
        for rung, planned in ladder_rungs(config):
            attacked = attack_samples(planned, model, samples, clean, standing)
            standing &= attacked.predictions == samples.labels[:, 0]
            metrics[f"test/budget_ladder.{rung}"] = int(standing.sum()) / count
    return metrics | {"test/budget_ladder_move": declared - int(standing.sum()) / count}
