"""How near counterfactuals are to real images of their class (S1, Tables 1 and 3)."""

from __future__ import annotations

from trainables.counterfactual_gan.analyses.analysis import Findings, Tested


def quality(tested: Tested) -> Findings:
    """Fréchet and kernel distances of S1's three sets; `fd` on a judge's features, `fid` on Inception's.

    What they are measured with goes into the fingerprints: two distances compare only where all of it agrees.
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
