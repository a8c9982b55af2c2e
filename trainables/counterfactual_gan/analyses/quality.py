"""How near counterfactuals are to real images of their class (S1, Tables 1 and 3)."""

from __future__ import annotations

from trainables.contract import Metric
from trainables.counterfactual_gan.scores import SETS, distance
from trainables.counterfactual_gan.trained_gan import TrainedGAN
from trainables.evaluation.analysis import Analysis, Findings


def quality(tested: TrainedGAN) -> Findings:
    """Fréchet and kernel distances of S1's three sets; `fd` on a judge's features, `fid` on Inception's.

    What they are measured with is in the fingerprints: two distances are comparable only if all of it agrees.
    """
    features = tested.features
    return Findings(
        tested.measured.distances(features.distance, kernel=True),
        fingerprints={
            "distances": {
                "kind": features.distance,
                "extractor": features.name,
                "dimensions": features.dimensions,
                "resize": features.resize,
                "weights": features.checksum[:16],
            }
        },
    )


def declared() -> dict[str, Metric]:
    """All metrics."""
    metrics: dict[str, Metric] = {}
    for kind in ("fd", "fid"):
        metrics |= {kind: distance()} | {f"{kind}.{name}": distance() for name in SETS}
    # the unbiased estimate may be below 0
    return metrics | {f"kernel_distance.{name}": Metric("minimize") for name in SETS}


QUALITY = Analysis(
    name="quality",
    says="distances of real and generated images (S1, Tables 1 and 3)",
    metrics=declared(),
    measure=quality,
)
