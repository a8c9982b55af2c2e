"""The names of everything the counterfactual GAN reports. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trainables.contract import Direction

TERMS = ("discriminator", "adversarial", "classification", "sparsity", "commitment", "identity")
"""Of the losses (S1, eq. 1, 6, 3, 4), and those of vector quantisation and of the cycle."""
SETS = ("full", "undamaged", "damaged")
"""S1's Tables 1 and 3."""
CLASSIFIERS = ("d", "g", "d_twin", "g_twin")
"""D, G's class branch, and the same networks trained as plain classifiers (S1, Table 2)."""
MAPS = ("difference", "gradcam", "darkness")
"""|G(x) - x|, a judge's class activation map, and 1 - grey value."""


def declared() -> Mapping[str, Direction]:
    """Every metric there can be, with its better direction; that of a mere description is by convention."""
    found: dict[str, Direction] = {f"train/loss.{name}": "minimize" for name in TERMS}
    for split in ("validation", "test"):
        found |= dict(_both(split))
    found |= dict(_tested())
    return found


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
    for name in SETS:
        yield f"test/kernel_distance.{name}", "minimize"
    for who in ("d", "g"):
        for bound in ("", "_low", "_high"):  # of a bootstrap interval
            yield f"test/p_fake_correlation.{who}{bound}", "maximize"
            yield f"test/p_fake_auroc.{who}{bound}", "maximize"
            yield f"test/risk_coverage.{who}{bound}", "minimize"
        yield f"test/confidence_auroc.{who}", "maximize"
        yield f"test/calibration_error.{who}", "minimize"
    for name in MAPS:
        for score in ("iou", "mask_f1", "mask_accuracy"):
            yield f"test/{score}.{name}", "maximize"
        yield f"test/iou_test_chosen.{name}", "maximize"
        yield f"test/iou_of_all.{name}", "maximize"
    for who in CLASSIFIERS:
        yield f"test/f1_under_pgd.{who}", "maximize"
        yield f"test/f1_under_noise.{who}", "maximize"
    yield "test/f1_under_adaptive_pgd.d", "maximize"
    yield "test/unnoticed_errors.pgd", "minimize"
    yield "test/unnoticed_errors.adaptive_pgd", "minimize"
    yield "test/samples", "maximize"
