"""The subjects and the kinds of the counterfactual GAN's scores. Imports no torch."""

from __future__ import annotations

from functools import partial

from trainables.contract import Metric

share = partial(Metric, "maximize", unit="fraction")
within_one = partial(Metric, low=0.0, high=1.0)
"""The format of probabilities and shares that S1 writes as decimals."""
distance = partial(Metric, "minimize", low=0.0)

SETS = ("full", "undamaged", "damaged")
"""S1's Tables 1 and 3."""
CLASSIFIERS = ("d", "g", "d_twin", "g_twin")
"""D, G's class branch, and the same networks trained as plain classifiers (S1, Table 2)."""
MAPS = ("difference", "gradcam", "gradcam_best_stage", "darkness")
"""|G(x) - x|, a judge's class activation map of its last stage, as is customary, the same of the stage that marks
validation images best, and 1 - grey value."""
