"""How much better a network is on images that it was trained on than on test images, clean and attacked.

The attack is the first one of validation, without escalation: the same, with the same budget and noise, on a fixed part
of the training images and on as many test images. Training images are seen as they are stored, without augmentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.analysis import MOST_ANALYSED, NETWORK, TRAINING, TestedBatch
from trainables.contract import Metric
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.adversarial_training.attacks.attack_plan import PlannedAttack


def attack_of_gap(config: Any) -> PlannedAttack:
    """The attack that both sides are measured with."""
    from trainables.adversarial_training.attacks.attack_plan import attacks_taken

    return attacks_taken(config, tested=False)[0]


def measure(batch: TestedBatch) -> Findings:
    """Which training and test images are right when clean, and which of them withstand the attack."""
    planned = attack_of_gap(batch.config)
    arrays: dict[str, Any] = {}
    for side, images in (("training", batch.training), ("test", batch)):
        arrays[f"{side}_right"] = images.right
        arrays[f"{side}_standing"] = images.withstood(planned.attack.name, planned.budget, images.right)
    return Findings(arrays=arrays)


def summarise(config: Any, arrays: Mapping[str, Tensor]) -> Findings:
    """Accuracies on the training images, and how much lower those on test images are."""
    shares = {name: float(right.double().mean()) for name, right in arrays.items()}
    return Findings(
        {
            "training_accuracy.clean": shares["training_right"],
            "training_accuracy.robust": shares["training_standing"],
            "generalization_gap.clean": shares["training_right"] - shares["test_right"],
            "generalization_gap.robust": shares["training_standing"] - shares["test_standing"],
        }
    )


def cost(config: Any, tested: int) -> Mapping[str, float]:
    """The attack on both sides."""
    from trainables.adversarial_training.attacks.costs import FORWARD_AND_INPUT

    planned = attack_of_gap(config)
    steps = planned.attack.cost(planned.budget, classes=2)
    return {NETWORK: FORWARD_AND_INPUT * 2 * min(tested, MOST_ANALYSED) * steps}


accuracy = partial(Metric, "maximize", unit="fraction")
gap = partial(Metric, "minimize", unit="fraction", low=-1.0)

GENERALIZATION_GAP = Analysis(
    name="generalization_gap",
    says="clean and robust accuracy on training images minus those on test images, by the first attack of validation",
    metrics={
        "training_accuracy.clean": accuracy(),
        "training_accuracy.robust": accuracy(),
        "generalization_gap.clean": gap(),
        "generalization_gap.robust": gap(),
    },
    measure=measure,
    summarise=summarise,
    needs=frozenset({TRAINING}),
    cost=cost,
)
