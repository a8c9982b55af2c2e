"""What scores of the counterfactual GAN are of, as metrics name it. Imports nothing."""

from __future__ import annotations

SETS = ("full", "undamaged", "damaged")
"""S1's Tables 1 and 3."""
CLASSIFIERS = ("d", "g", "d_twin", "g_twin")
"""D, G's class branch, and the same networks trained as plain classifiers (S1, Table 2)."""
MAPS = ("difference", "gradcam", "darkness")
"""|G(x) - x|, a judge's class activation map, and 1 - grey value."""
