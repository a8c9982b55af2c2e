"""McNemar's exact test of two models on the same samples, and its extension to samples that come in groups."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def mcnemar_p(only_one: int, only_other: int) -> float:
    """The two-sided p of McNemar's exact test (1947), of the samples on which only one of two models is right."""
    from scipy.stats import binomtest

    discordant = only_one + only_other
    return float(binomtest(only_one, discordant).pvalue) if discordant else 1.0


def several_to_a_group(groups: NDArray[Any] | None) -> bool:
    """Whether some group has several samples: else McNemar's test is about the samples themselves."""
    return groups is not None and len(np.unique(groups)) < len(groups)


def clustered_mcnemar(ours: NDArray[np.bool_], theirs: NDArray[np.bool_], groups: NDArray[Any]) -> float:
    """The two-sided p of two models being right equally often, `ours` and `theirs` (N,) on samples in `groups` (N,).

    If they were no different, exchanging them on a whole group would be as likely as not, for any dependence within
    it: the sum of the groups' differences, each with either sign, is the null distribution (Fisher's randomisation
    test on clusters; for matched binary pairs see Durkalski et al. 2003). The differences are whole numbers, so that
    all 2^G signs are counted exactly. With one sample to a group it is McNemar's exact test.
    """
    _, place = np.unique(groups, return_inverse=True)
    differences = np.bincount(place, ours.astype(np.float64) - theirs.astype(np.float64))
    steps = np.abs(np.rint(differences)).astype(np.int64)
    steps = np.sort(steps[steps > 0])
    chances = np.ones(1)  # of every second whole number from -total to total
    for step in steps:
        wider = np.zeros(len(chances) + step)
        wider[: len(chances)] += chances / 2
        wider[step:] += chances / 2
        chances = wider
    total = int(steps.sum())
    sums = 2 * np.arange(total + 1) - total
    return float(min(1.0, chances[np.abs(sums) >= abs(round(float(differences.sum())))].sum()))
