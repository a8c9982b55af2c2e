"""The names of everything the counterfactual GAN reports. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trainables.contract import Direction
from trainables.counterfactual_gan.analysis_table import ANALYSES
from trainables.counterfactual_gan.names import CLASSIFIERS, SETS

TERMS = ("discriminator", "adversarial", "classification", "sparsity", "commitment", "identity")
"""Of the losses (S1, eq. 1, 6, 3, 4), and those of vector quantisation and of the cycle."""


def declared() -> Mapping[str, Direction]:
    """Every metric there can be, with its better direction; that of a mere description is by convention."""
    found: dict[str, Direction] = {f"train/loss.{name}": "minimize" for name in TERMS}
    for split in ("validation", "test"):
        found |= dict(_both(split))
    return found | dict(_tested()) | ANALYSES.metrics


def _both(split: str) -> Iterator[tuple[str, Direction]]:
    for name in CLASSIFIERS[:2]:
        yield f"{split}/accuracy.{name}", "maximize"
        yield f"{split}/f1.{name}", "maximize"
    yield f"{split}/accuracy.judges", "maximize"
    yield f"{split}/accuracy_and_validity", "maximize"
    yield f"{split}/validity", "maximize"
    for name in ("to_damaged", "to_undamaged", "worst_direction"):
        yield f"{split}/validity.{name}", "maximize"
    for name in ("three_way", "two_way"):
        yield f"{split}/validity_by_d.{name}", "maximize"
    yield f"{split}/p_fake.real", "minimize"
    yield f"{split}/p_fake.generated", "minimize"
    yield f"{split}/saturation", "minimize"
    yield f"{split}/diversity", "maximize"
    yield f"{split}/sameness.to_damaged", "minimize"
    yield f"{split}/sameness.to_undamaged", "minimize"
    yield f"{split}/change", "minimize"
    yield f"{split}/change_inside_over_outside", "maximize"
    yield f"{split}/codes_used", "maximize"
    yield f"{split}/iou", "maximize"
    for kind in ("fd", "fid"):
        yield f"{split}/{kind}", "minimize"
        for name in SETS:
            yield f"{split}/{kind}.{name}", "minimize"


def _tested() -> Iterator[tuple[str, Direction]]:
    for name in CLASSIFIERS:
        for score in ("accuracy", "f1", "precision", "recall"):
            yield f"test/{score}.{name}", "maximize"
    yield "test/accuracy_gap", "maximize"
    yield "test/accuracy.majority", "maximize"  # whoever always says the commoner class
    yield "test/samples", "maximize"
