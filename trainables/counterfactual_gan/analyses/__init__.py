"""What a test measures beside accuracy and validity, one analysis per file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainables.counterfactual_gan.analyses.analysis import Findings, Tested


def analyse(tested: Tested) -> Findings:
    """All analyses that the configuration names."""
    from trainables.counterfactual_gan.analyses.quality import quality
    from trainables.counterfactual_gan.analyses.robustness import robustness
    from trainables.counterfactual_gan.analyses.saliency import saliency
    from trainables.counterfactual_gan.analyses.uncertainty import uncertainty

    of: Mapping[str, Any] = {
        "quality": quality,
        "robustness": robustness,
        "saliency": saliency,
        "uncertainty": uncertainty,
    }
    found = Findings()
    for name in tested.config.analyses:
        found.add(of[name](tested))
    return found
