"""Steps to a hyperplane within the box are the oracle's, and the smallest there are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pyautoattack.fab_projections import projection_linf
from scipy.optimize import linprog
from torch import Tensor

from trainables.attacks.algorithms.box_projection import steps_to_hyperplane


def problem(n: int, shape: tuple[int, int, int], spread: float, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Points, some pixels at 0 and 1, normals, some of them 0, and values up to `spread`."""
    draw = torch.Generator().manual_seed(seed)
    points = torch.rand(n, *shape, generator=draw, dtype=torch.float64).mul(1.4).sub(0.2).clamp(0, 1)
    normals = torch.randn(n, *shape, generator=draw, dtype=torch.float64)
    normals[torch.rand(normals.shape, generator=draw) < 0.2] = 0
    return points, normals, (2 * torch.rand(n, generator=draw, dtype=torch.float64) - 1) * spread


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 5),
    channels=st.integers(1, 3),
    height=st.integers(1, 9),
    spread=st.sampled_from([0.0, 0.1, 1.0, 5.0, 20.0, 100.0]),
    seed=st.integers(0, 2**32),
)
def test_steps_are_the_oracles(n: int, channels: int, height: int, spread: float, seed: int) -> None:
    points, normals, values = problem(n, (channels, height, 7), spread, seed)
    found = steps_to_hyperplane(points, normals, values).flatten(1)
    flat, along = normals.flatten(1), (normals * points).flatten(1).sum(1)
    torch.testing.assert_close(found, projection_linf(points.flatten(1), flat, along - values), rtol=0, atol=1e-9)


@pytest.mark.parametrize("spread", [0.5, 3.0, 50.0])
def test_no_smaller_step_gets_there(spread: float) -> None:
    """A linear programme: minimise λ with |δ| ≤ λ, 0 ≤ x + δ ≤ 1 and w · δ = -value."""
    points, normals, values = problem(12, (1, 4, 5), spread, seed=3)
    found = steps_to_hyperplane(points, normals, values).flatten(1)
    rows = (part.flatten(1).numpy() for part in (points, normals, found))
    for point, normal, step, value in zip(*rows, values.tolist(), strict=True):
        d = len(point)
        within = np.hstack([np.vstack([np.eye(d), -np.eye(d)]), -np.ones((2 * d, 1))])
        best = linprog(
            [0.0] * d + [1.0],
            A_ub=within,
            b_ub=np.zeros(2 * d),
            A_eq=[[*normal, 0.0]],
            b_eq=[-value],
            bounds=[(-x, 1 - x) for x in point] + [(0, None)],
        )
        if best.success:
            assert np.abs(step).max() == pytest.approx(best.fun, abs=1e-7)
            assert normal @ step == pytest.approx(-value, abs=1e-9)
        else:
            reach = (np.abs(normal) * np.where(-value * normal > 0, 1 - point, point)).sum()
            assert reach < abs(value)
            assert normal @ step == pytest.approx(-np.sign(value) * reach, abs=1e-9)


def test_without_a_gradient_nothing_moves() -> None:
    points = torch.rand(2, 1, 3, 3)
    steps = steps_to_hyperplane(points, torch.zeros_like(points), torch.tensor([1.0, 0.0]))
    assert not steps.any()
