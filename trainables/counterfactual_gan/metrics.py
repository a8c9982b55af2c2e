"""The names of everything the counterfactual GAN reports. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from trainables.contract import Metric

TERMS = ("discriminator", "adversarial", "classification", "sparsity", "commitment", "identity")
"""Of the losses (S1, eq. 1, 6, 3, 4), and those of vector quantisation and of the cycle."""
SETS = ("full", "undamaged", "damaged")
"""S1's Tables 1 and 3."""
CLASSIFIERS = ("d", "g", "d_twin", "g_twin")
"""D, G's class branch, and the same networks trained as plain classifiers (S1, Table 2)."""
MAPS = ("difference", "gradcam", "darkness")
"""|G(x) - x|, a judge's class activation map, and 1 - grey value."""


share = partial(Metric, "maximize", unit="fraction")
within_one = partial(Metric, low=0.0, high=1.0)
"""Of probabilities and shares that S1 writes as decimals."""
distance = partial(Metric, "minimize", low=0.0)


def declared() -> Mapping[str, Metric]:
    """Every metric there can be; the better direction of a mere description is by convention."""
    metrics = {f"train/loss.{name}": Metric("minimize") for name in TERMS}
    for split in ("validation", "test"):
        metrics |= dict(_both(split))
    return metrics | dict(_tested())


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
    yield "test/accuracy.majority", share()  # whoever always says the commoner class
    for name in SETS:
        yield f"test/kernel_distance.{name}", Metric("minimize")  # the unbiased estimate may be below 0
    for who in ("d", "g"):
        for bound in ("", "_low", "_high"):  # of a bootstrap interval
            shown = not bound
            yield f"test/p_fake_correlation.{who}{bound}", Metric("maximize", low=-1.0, high=1.0, shown=shown)
            yield f"test/p_fake_auroc.{who}{bound}", within_one("maximize", shown=shown)
            yield f"test/risk_coverage.{who}{bound}", within_one("minimize", shown=shown)
        yield f"test/confidence_auroc.{who}", within_one("maximize")
        yield f"test/calibration_error.{who}", within_one("minimize")
    for name in MAPS:
        for score in ("iou", "mask_f1", "mask_accuracy"):
            yield f"test/{score}.{name}", share()
        yield f"test/iou_test_chosen.{name}", share()
        yield f"test/iou_of_all.{name}", share()
    for who in CLASSIFIERS:
        yield f"test/f1_under_pgd.{who}", share(attack="pgd", clean=f"test/f1.{who}")
        yield f"test/f1_under_noise.{who}", share(clean=f"test/f1.{who}")
    yield "test/f1_under_adaptive_pgd.d", share(attack="adaptive_pgd", clean="test/f1.d")
    yield "test/unnoticed_errors.pgd", within_one("minimize", attack="pgd")
    yield "test/unnoticed_errors.adaptive_pgd", within_one("minimize", attack="adaptive_pgd")
    yield "test/samples", Metric("maximize", role="samples", low=0.0)
