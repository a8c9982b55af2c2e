"""How often the metrics of attributions look, which their cost hangs on. Imports no torch."""

from __future__ import annotations

DRAWS = 10
"""Perturbations of each image, for stability."""
STEPS = 20
"""Points of a curve of deletion or insertion, apart from the one where nothing is changed."""
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Of the pixels that ROAD removes, the most relevant first."""
RANDOM_ORDERS = 4
"""Random orders of pixels that gains are relative to."""
