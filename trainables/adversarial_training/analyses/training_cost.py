"""What training costs, counted, not timed: passes through the network and multiply-adds; the same on every machine.

Seconds are measured by `epoch_seconds`, where a study asks for them, and are in the report for every trial.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.analysis import TestedBatch
from trainables.contract import Metric
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor


def measure(batch: TestedBatch) -> Findings:
    """Nothing: everything follows from the configuration."""
    return Findings()


def summarise(config: Any, arrays: Mapping[str, Tensor]) -> Findings:
    """Passes of an image in an epoch, forward and backward together, and multiply-adds of all epochs."""
    from trainables.adversarial_training.attacks.costs import FORWARD_AND_ALL, FORWARD_AND_INPUT
    from trainables.adversarial_training.cost import (
        chosen_facts,
        network_size,
        training_images,
        training_passes,
    )

    updates, steps = training_passes(config)
    images = config.epochs * training_images(config, chosen_facts(config))
    operations = network_size(config).macs * (FORWARD_AND_ALL * updates + FORWARD_AND_INPUT * steps)
    return Findings({"training_passes": (updates + steps) / images, "training_operations": float(operations)})


TRAINING_COST = Analysis(
    name="training_cost",
    says="passes through the network that an image takes in an epoch of training, and multiply-adds of all epochs",
    metrics={
        "training_passes": Metric("minimize", unit="passes", low=0.0),
        "training_operations": Metric("minimize", unit="multiply-adds", low=0.0, scale="log"),
    },
    measure=measure,
    summarise=summarise,
)
