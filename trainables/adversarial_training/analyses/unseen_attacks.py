"""Accuracy under attacks that no training here uses: in L2, within a larger ε, and by rotating and shifting.

Each is measured by itself; `union` is the worst case of all of them and of the declared attacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.analysis import MOST_ANALYSED, NETWORK, TestedBatch
from trainables.adversarial_training.attacks.costs import FORWARD_AND_INPUT
from trainables.attacks.attack import Budget
from trainables.contract import Metric
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor

NAME = "unseen_accuracy"
LARGER = {"epsilon_1_5": 1.5, "epsilon_2": 2.0}
"""Shares of ε, by the names of their metrics."""
ATTACK, STEPS = "apgd_margin", 50
L2_STEPS = 50
ROTATIONS = (-30.0, -20.0, -10.0, 0.0, 10.0, 20.0, 30.0)
"""Degrees; Engstrom et al. (2019) have up to 30."""
SHIFTS = (-0.1, 0.0, 0.1)
"""Shares of a side, down and to the right; Engstrom et al. have about 10 %."""


def measure(batch: TestedBatch) -> Findings:
    """Which images, (B,) bool, are right under each."""
    from trainables.attacks.algorithms.l2_pgd import withstands_l2
    from trainables.attacks.algorithms.spatial import withstands_motion

    def logits_of(images: Tensor) -> Tensor:
        logits: Tensor = batch.model(images)[0]
        return logits

    labels, config, standing = batch.labels[:, 0], batch.config, batch.survived
    arrays = {
        "l2": withstands_l2(logits_of, batch.images, labels, batch.right, config.l2_budget, L2_STEPS),
        "spatial": withstands_motion(logits_of, batch.images, labels, batch.right, ROTATIONS, SHIFTS),
    }
    union = standing & arrays["l2"] & arrays["spatial"]
    for name, share in LARGER.items():  # what fails within ε fails within more
        standing = batch.withstood(ATTACK, Budget(STEPS), standing, min(1.0, share * config.attack_epsilon))
        arrays[name] = standing
    return Findings(arrays=arrays | {"union": union & standing})


def summarise(config: Any, arrays: Mapping[str, Tensor]) -> Findings:
    """The shares of right images."""
    return Findings({f"{NAME}.{name}": float(right.double().mean()) for name, right in arrays.items()})


def cost(config: Any, tested: int) -> Mapping[str, float]:
    """The steps in L2 and within larger ε, and a forward pass for each motion."""
    steps = 2 * L2_STEPS + len(LARGER) * STEPS  # in L2 on two losses
    motions = len(ROTATIONS) * len(SHIFTS) ** 2
    return {NETWORK: min(tested, MOST_ANALYSED) * (FORWARD_AND_INPUT * steps + motions)}


accuracy = partial(Metric, "maximize", unit="fraction")

UNSEEN_ATTACKS = Analysis(
    name="unseen_attacks",
    says="accuracy under PGD in L2 on two losses within l2_budget, within 1.5 and 2 ε, and under rotations and shifts",
    metrics={
        f"{NAME}.l2": accuracy(label="L2"),
        f"{NAME}.epsilon_1_5": accuracy(label="1.5 ε"),
        f"{NAME}.epsilon_2": accuracy(label="2 ε"),
        f"{NAME}.spatial": accuracy(label="rotations and shifts"),
        f"{NAME}.union": accuracy(label="all unseen and declared attacks"),
    },
    measure=measure,
    summarise=summarise,
    cost=cost,
)
