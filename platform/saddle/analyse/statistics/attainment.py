"""Empirical attainment surfaces: which values of two objectives runs reach, in at least so many of them.

Each run has a set of points, and attains all that some point of it equals or betters in both objectives. The surface of
k of n bounds what k runs at least attain (Fonseca, Guerreiro, López-Ibáñez and Paquete, 2011); that of n of n is what
every run reaches, that of 1 the best that any did. Computed by moocore.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from saddle.analyse.statistics.paired.paired_t import Floats


def attainment_surfaces(runs: Sequence[Floats], counts: Sequence[int]) -> list[Floats]:
    """For each of `counts` the corners (m, 2) of the surface that at least so many runs attain, the first axis rising.

    `runs`: the points (N, 2) of each run, of which smaller values are better. Raises `ValueError` for a run without
    points and a count beyond the number of runs.
    """
    import moocore

    if any(len(points) == 0 for points in runs):
        raise ValueError("a run has no points, so it attains nothing")
    if not all(1 <= count <= len(runs) for count in counts):
        raise ValueError(f"counts {[*counts]} are not all of 1 to {len(runs)} runs")
    data = np.vstack(runs)
    sets = np.repeat(np.arange(1, len(runs) + 1), [len(points) for points in runs])
    shares = [100 * count / len(runs) for count in counts]
    surfaces = moocore.eaf(data, sets=sets, percentiles=sorted(set(shares)))
    return [_corners(surfaces, share) for share in shares]


def _corners(surfaces: Floats, share: float) -> Floats:
    points = surfaces[np.isclose(surfaces[:, 2], share)][:, :2]
    return points[np.lexsort((points[:, 1], points[:, 0]))]
