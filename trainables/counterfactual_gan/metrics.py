"""The names of everything the counterfactual GAN reports. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trainables.contract import Metric
from trainables.counterfactual_gan.analysis_table import ANALYSES
from trainables.counterfactual_gan.scores import CLASSIFIERS, SETS, distance, share, within_one

TERMS = ("discriminator", "adversarial", "classification", "sparsity", "sameness", "commitment", "identity")
"""Terms of the losses (S1, eq. 1, 6, 3, 4), and those of diversity, of vector quantisation and of the cycle."""


def declared() -> Mapping[str, Metric]:
    """Every possible metric; the better direction of a mere description is by convention."""
    metrics: dict[str, Metric] = {f"train/loss.{name}": Metric("minimize") for name in TERMS}
    for split in ("validation", "test"):
        metrics |= dict(_both(split))
    return metrics | dict(_tested()) | ANALYSES.metrics


def _both(split: str) -> Iterator[tuple[str, Metric]]:
    for name in CLASSIFIERS[:2]:
        yield f"{split}/accuracy.{name}", share()
        yield f"{split}/f1.{name}", share()
    yield f"{split}/accuracy.judges", share()
    yield f"{split}/accuracy_and_validity", share()
    yield f"{split}/validity", share()
    for name in ("to_damaged", "to_undamaged", "worst_direction"):
        yield f"{split}/validity.{name}", share()
    for name in ("three_way", "two_way"):
        yield f"{split}/validity_by_d.{name}", share()
    yield f"{split}/p_fake.real", within_one("minimize")
    yield f"{split}/p_fake.generated", within_one("minimize")
    yield f"{split}/saturation", within_one("minimize")
    yield f"{split}/diversity", Metric("maximize", low=0.0)
    yield f"{split}/sameness.to_damaged", within_one("minimize")
    yield f"{split}/sameness.to_undamaged", within_one("minimize")
    yield f"{split}/change", within_one("minimize")
    yield f"{split}/change_inside_over_outside", Metric("maximize", low=0.0)
    yield f"{split}/codes_used", Metric("maximize", low=0.0)
    yield f"{split}/iou", share()
    for kind in ("fd", "fid"):
        yield f"{split}/{kind}", distance()
        for name in SETS:
            yield f"{split}/{kind}.{name}", distance()


def _tested() -> Iterator[tuple[str, Metric]]:
    for name in CLASSIFIERS:
        for score in ("accuracy", "f1", "precision", "recall"):
            yield f"test/{score}.{name}", share()
    yield "test/accuracy_gap", share(low=-1.0)
    yield "test/accuracy.majority", share()  # of a classifier that always predicts the more frequent class
    yield "test/samples", Metric("maximize", role="samples", low=0.0)
