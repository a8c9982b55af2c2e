"""Clean accuracy on test images of another dataset with the same classes, `shift_dataset`, and what the shift costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.analysis import SHIFTED, TestedBatch
from trainables.contract import Metric
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor


def measure(batch: TestedBatch) -> Findings:
    """Which images are classified correctly, of the other dataset and of the network's own."""
    return Findings(arrays={"shifted_right": batch.shifted.right, "own_right": batch.right})


def summarise(config: Any, arrays: Mapping[str, Tensor]) -> Findings:
    """The accuracy on the other dataset, and how much lower it is than that on the network's own."""
    shifted, own = (float(arrays[name].double().mean()) for name in ("shifted_right", "own_right"))
    return Findings({"shift_accuracy": shifted, "shift_drop": own - shifted})


DOMAIN_SHIFT = Analysis(
    name="domain_shift",
    says="accuracy on shift_dataset, whose classes are the same, and the loss relative to the study's own test images",
    metrics={
        "shift_accuracy": Metric("maximize", unit="fraction", chance="classes"),
        "shift_drop": Metric("minimize", unit="fraction", low=-1.0),
    },
    measure=measure,
    summarise=summarise,
    needs=frozenset({SHIFTED}),
)
