"""Group sequential paired t tests: how large |t| must be at each look so that all looks together err at most at α.

With n differences, the share of their squared length along their mean, z = Σx / (√n ‖x‖), carries the same information
as t, and under the null hypothesis its distribution depends on nothing unknown. From look to look it is a Markov chain:
the direction of x is uniform on a sphere, and one more difference turns it by a uniform amount. So the chance to stop
at each look is found by numerical integration, as Armitage, McPherson & Rowe (1969, JRSS A 132) did for known variance,
exactly for normal differences, even if they are few. How α is spent over the looks follows Lan & DeMets (1983,
Biometrika 70).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Literal

import numpy as np
import scipy

from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.analyse.statistics.t_distribution import critical_t

Spending = Literal["obrien_fleming", "pocock"]

CELLS = 200
"""Cells of the integration's grid; eight times as many move a bound by less than one part in a thousand."""

ROUGH_CELLS = 100
"""For p-values, which need forty bounds each and are interpolated anyway."""

LEVELS = tuple(float(level) for level in (*np.geomspace(1e-6, 0.3, 26), *np.linspace(0.35, 0.999, 14)))
"""Between these, `sequential_p` interpolates."""


def obrien_fleming(alpha: float, share: float) -> float:
    """Little at first, nearly all at the end: the last look costs little power (Lan & DeMets, 1983)."""
    if share >= 1:
        return alpha
    return float(2 * scipy.special.ndtr(scipy.special.ndtri(alpha / 2) / math.sqrt(share))) if share > 0 else 0.0


def pocock(alpha: float, share: float) -> float:
    """About evenly: large effects stop early, and the last look pays for it (Lan & DeMets, 1983)."""
    return alpha * math.log1p((math.e - 1) * min(share, 1.0))


SPENDING: Mapping[Spending, Callable[[float, float], float]] = {"obrien_fleming": obrien_fleming, "pocock": pocock}


@lru_cache(maxsize=4096)
def critical_values(
    looks: tuple[int, ...], shares: tuple[float, ...], alpha: float, spending: Spending, cells: int = CELLS
) -> tuple[float, ...]:
    """The |t| that ends the comparison at each look.

    `looks` are numbers of pairs, ascending, a few pairs apart (the grid is too coarse for the small steps between looks
    that are hundreds apart); `shares` how much of the whole comparison each of them is, the last planned
    look 1. Raises `ValueError` for looks below two pairs or out of order.
    """
    if not looks or looks[0] < 2 or list(looks) != sorted(set(looks)) or len(looks) != len(shares):
        raise ValueError(f"looks {looks} must rise from at least 2 pairs, with a share each")
    spend = SPENDING[spending]
    spent = [spend(alpha, share) for share in shares]
    bounds = [float(critical_t(looks[0] - 1, spent[0]))]
    n, edges = looks[0], _edges(bounds[0], looks[0], cells)
    mass = np.diff(_coordinate_cdf(edges, n))
    for before, look, now in zip(spent, looks[1:], spent[1:], strict=False):
        while n < look:
            middles = np.cos((np.arccos(edges[1:]) + np.arccos(edges[:-1])) / 2)
            bound = math.inf
            if n + 1 == look and now > before:
                bound = _bound(mass, middles, n, now - before)
            edges = _edges(bound, n + 1, cells)
            reached = _next_cdf(edges[np.newaxis, :], middles[:, np.newaxis], n)
            mass = mass @ np.diff(reached, axis=1)
            n += 1
        bounds.append(bound)
    return tuple(bounds)


def sequential_p(t: float, looks: tuple[int, ...], shares: tuple[float, ...], spending: Spending) -> float:
    """The smallest α at which the latest look, with statistic `t`, would have ended the comparison; 1 if none would.

    (The repeated p-value of Jennison & Turnbull, 1989, JRSS B 51, of the latest look alone, as their interval is.)
    """
    with np.errstate(divide="ignore"):
        margins = math.log(max(abs(t), 1e-300)) - _log_bounds(looks, shares, spending)[:, -1]
    stopping = np.flatnonzero(margins >= 0)
    if not len(stopping):
        return 1.0
    first = int(stopping[0])
    if first == 0:
        return LEVELS[0]
    share = float(margins[first - 1] / (margins[first - 1] - margins[first]))
    return float(LEVELS[first - 1] * (LEVELS[first] / LEVELS[first - 1]) ** share)


@lru_cache(maxsize=1024)
def _log_bounds(looks: tuple[int, ...], shares: tuple[float, ...], spending: Spending) -> Floats:
    """The logarithms of the bounds at each of `LEVELS` (rows) and looks (columns)."""
    return np.log([critical_values(looks, shares, alpha, spending, ROUGH_CELLS) for alpha in LEVELS])


def _edges(bound: float, n: int, cells: int) -> Floats:
    """Cell edges of z between -bound and bound in t, evenly spaced in angle, where directions are uniform."""
    outermost = 1.0 if math.isinf(bound) else bound / math.sqrt(bound**2 + n - 1)
    angles = np.linspace(math.pi - math.acos(outermost), math.acos(outermost), cells + 1)
    return np.asarray(np.cos(angles))


def _bound(mass: Floats, middles: Floats, n: int, target: float) -> float:
    """The |t| at n + 1 pairs beyond which the paths that continue lie with probability `target`."""

    def excess(z: float) -> float:
        beyond = 1 - _next_cdf(np.asarray(z), middles, n) + _next_cdf(np.asarray(-z), middles, n)
        return float(mass @ beyond) - target

    if excess(0.0) <= 0:  # fewer paths are left than may end here
        return 0.0
    z = float(scipy.optimize.brentq(excess, 0.0, 1.0, xtol=1e-12))
    return z * math.sqrt(n / (1 - z * z))


def _coordinate_cdf(value: Floats, n: int) -> Floats:
    """The distribution of one coordinate of a uniform direction in n dimensions."""
    inside = np.clip(value, -1.0, 1.0)
    with np.errstate(divide="ignore"):
        t = inside * np.sqrt((n - 1) / (1 - inside * inside))
    return np.asarray(scipy.special.stdtr(n - 1, t))


def _next_cdf(value: Floats, z: Floats, n: int) -> Floats:
    """P(z of n + 1 differences ≤ `value`), given z of the first n.

    One more difference makes it (√n z cos φ + sin φ) / √(n + 1) with sin φ a coordinate of a uniform direction in
    n + 1 dimensions: a sine of φ, shifted, which rises and then falls over φ's range.
    """
    shift = np.arctan(math.sqrt(n) * z)
    height = math.sqrt(n + 1) * value / np.sqrt(1 + n * z * z)
    angle = np.arcsin(np.clip(height, -1.0, 1.0))

    def up_to(phi: Floats) -> Floats:
        return _coordinate_cdf(np.sin(np.clip(phi, -math.pi / 2, math.pi / 2)), n + 1)

    probability = up_to(angle - shift) - up_to(-math.pi - angle - shift) + 1 - up_to(math.pi - angle - shift)
    return np.where(height >= 1, 1.0, np.where(height <= -1, 0.0, probability))
