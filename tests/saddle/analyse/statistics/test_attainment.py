"""Attainment surfaces: by hand, against counting, and against moocore's own function."""

from __future__ import annotations

import moocore
import numpy as np
import pytest

from saddle.analyse.statistics.attainment import attainment_surfaces

ONE = np.array([[1.0, 4.0], [3.0, 2.0]])
OTHER = np.array([[2.0, 3.0], [4.0, 1.0]])


def attained(point: np.ndarray, run: np.ndarray) -> bool:
    return bool((run <= point).all(1).any())


def test_two_runs_by_hand() -> None:
    """Either run reaches the four points; both reach what the worse of the two does."""
    best, worst = attainment_surfaces([ONE, OTHER], [1, 2])
    assert best.tolist() == [[1, 4], [2, 3], [3, 2], [4, 1]]
    assert worst.tolist() == [[2, 4], [3, 3], [4, 2]]


def test_one_run_attains_its_own_front() -> None:
    dominated = np.vstack([ONE, [[3.5, 4.5]]])
    [surface] = attainment_surfaces([dominated], [1])
    assert surface.tolist() == ONE.tolist()


@pytest.mark.parametrize("seed", range(4))
def test_surfaces_are_those_that_counting_gives(seed: int) -> None:
    draw = np.random.default_rng(seed)
    runs = [draw.uniform(size=(draw.integers(3, 8), 2)) for _ in range(5)]
    surfaces = attainment_surfaces(runs, [1, 3, 5])
    for count, surface in zip((1, 3, 5), surfaces, strict=True):
        for point in draw.uniform(size=(200, 2)):
            enough = sum(attained(point, run) for run in runs) >= count
            assert enough == attained(point, surface), (count, point)
        corners = surface - 1e-9
        assert all(sum(attained(corner, run) for run in runs) < count for corner in corners), "corners are tight"


def test_they_are_moocores() -> None:
    draw = np.random.default_rng(7)
    runs = [draw.uniform(size=(6, 2)) for _ in range(4)]
    own = moocore.eaf(np.vstack(runs), sets=np.repeat([1, 2, 3, 4], 6))
    for count, surface in zip((1, 2, 3, 4), attainment_surfaces(runs, [1, 2, 3, 4]), strict=True):
        wanted = own[own[:, 2] == 25 * count][:, :2]
        assert surface == pytest.approx(wanted[np.lexsort((wanted[:, 1], wanted[:, 0]))])


def test_runs_without_points_and_counts_beyond_them_are_refused() -> None:
    with pytest.raises(ValueError, match="no points"):
        attainment_surfaces([ONE, np.empty((0, 2))], [1])
    with pytest.raises(ValueError, match="not all of 1 to 2"):
        attainment_surfaces([ONE, OTHER], [3])
