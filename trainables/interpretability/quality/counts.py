"""Numbers of evaluations in the metrics of attributions, which their cost depends on. Imports no torch."""

from __future__ import annotations

DRAWS = 10
"""Perturbations of each image, for stability."""
STEPS = 20
"""Points of a curve of deletion or insertion, in addition to the one without changes."""
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Shares of the pixels that ROAD removes, the most relevant first."""
RANDOM_ORDERS = 4
"""Random orders of pixels that gains are relative to."""
