"""How near counterfactuals are to real images of their class (S1, Tables 1 and 3)."""

from __future__ import annotations

from trainables.counterfactual_gan.analyses import Findings, Tested


def quality(tested: Tested) -> Findings:
    """Fréchet and kernel distances of S1's three sets; `fd` on a judge's features, `fid` on Inception's."""
    return Findings(tested.measured.distances(tested.features.distance, kernel=True))
