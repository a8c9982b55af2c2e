"""The words that a relation may end with, and the rule that decides on them, for one study or for many."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.analyse.statistics.regression.meta_regression import fit_slopes, fit_without_each

FEWEST_FREEDOM = 1
"""Residual degrees of freedom below which nothing is claimed, with one family: three units."""
FEWEST_FREEDOM_WITHIN = 3
"""The same with several families."""
PILOT_BELOW = 8
"""Units below which a relation is called a pilot."""


class Word(StrEnum):
    """The conclusion about a relation: the slope's interval decides, provided that no single unit makes its sign."""

    RISES = "rises"
    FALLS = "falls"
    NO_RELATION = "no relation shown"
    DESCRIBED = "described only"
    """There is too little to test: points are shown, nothing is claimed."""


def fewest_freedom(families: int) -> int:
    """The residual degrees of freedom that a claim needs."""
    return FEWEST_FREEDOM_WITHIN if families > 1 else FEWEST_FREEDOM


def level_of_look(alpha: float, look: int) -> float:
    """The level of a relation that is looked at again with more units or seeds: alpha / look.

    At the whole level every time, a relation that doesn't exist is claimed at one of 2, 3 or 16 looks in 8, 11 and 20 %
    of simulated studies at alpha = 0.05; at alpha / look in 6 to 7 %, for any number of looks.
    """
    return alpha / look


def claimed_signs(x: Floats, y: Floats, noise: Floats, families: Floats, alpha: float) -> Floats:
    """The claim for each study (studies,): 1 for `rises`, -1 for `falls`, 0 for neither.

    x, y, noise: (studies, k), families: (families, k). The same rule as in `answer_relation`, except that units are
    left out only if there is a claim to lose by it.
    """
    fit = fit_slopes(x, y, noise, families)
    signs = np.where((fit.p <= alpha) & (fit.freedom >= fewest_freedom(len(families))), np.sign(fit.slope), 0.0)
    [rows] = np.nonzero(signs)
    without_each = fit_without_each(x[rows], y[rows], noise[rows], families)
    signs[rows] *= (np.sign(without_each.slope) == signs[rows, None]).all(-1)
    return signs
