"""Least squares in the arms that exclusions leave of a fraction, whose columns are no longer orthogonal.

The model has the mean, the main effects and the classes of aliased two-factor interactions. Effects that it
distinguishes from all others are estimated in it. Where the arms are too few for that, an effect is estimated together
with the mean, the main effects and the interactions that are clear; of the other interactions it then holds shares (the
alias matrix; Box & Wilson, 1951, JRSS B 13).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]

NOTHING = 1e-9
"""Below this a weight or a share, which are ratios of small whole numbers, is zero but for rounding."""
CERTAIN = 1 - 1e-6


@dataclass(frozen=True)
class Estimate:
    """The weights of the arms, by place, in half the distance between a column's two sides.

    `shares` says how much of other columns is in it.
    """

    weights: Floats
    shares: Mapping[int, float]


@dataclass(frozen=True)
class Estimates:
    """Those of the columns; None if the arms can't distinguish one from the mean, main effects or an estimated one."""

    centre: Floats
    """The weights of the mean."""
    columns: tuple[Estimate | None, ...]
    correlation: tuple[int, int, float] | None
    """The two columns that correlate most."""


def is_orthogonal(columns: Sequence[Sequence[bool]]) -> bool:
    """Whether plain contrasts are the least-squares estimates."""
    import numpy as np

    model = _model(columns)
    return bool((model.T @ model == len(model) * np.eye(model.shape[1])).all())


def least_squares(columns: Sequence[Sequence[bool]], mains: int) -> Estimates:
    """The estimates of all columns, of which the first `mains` are those of main effects, which can be estimated."""
    import numpy as np

    model = _model(columns)
    inverse = np.linalg.pinv(model, rcond=NOTHING)
    clear = np.diag(inverse @ model) > CERTAIN
    base = [place for place in range(model.shape[1]) if place <= mains or clear[place]]
    of_base = np.linalg.pinv(model[:, base], rcond=NOTHING)
    estimates: list[Estimate | None] = []
    residuals: list[Floats] = []
    for place in range(1, model.shape[1]):
        if clear[place]:
            weights = inverse[place]
        elif place <= mains:
            weights = of_base[base.index(place)]
        else:
            residual = model[:, place] - model[:, base] @ (of_base @ model[:, place])
            length = float(residual @ residual)
            if length < NOTHING or any(
                (residual @ other) ** 2 > CERTAIN * length * float(other @ other) for other in residuals
            ):
                estimates.append(None)
                continue
            residuals.append(residual)
            weights = residual / length
        shares_held = weights @ model
        shares = {
            k - 1: float(shares_held[k])
            for k in range(1, len(shares_held))
            if k != place and abs(shares_held[k]) > NOTHING
        }
        estimates.append(Estimate(np.where(np.abs(weights) > NOTHING, weights, 0.0), shares))
    return Estimates(of_base[0], tuple(estimates), _largest_correlation(model))


def confounded(moved: Mapping[str, Sequence[bool]]) -> dict[str, list[str]]:
    """The factors whose main effects can't be estimated, each with the others that it is confounded with."""
    import numpy as np

    names, model = list(moved), _model(list(moved.values()))
    known = np.linalg.pinv(model, rcond=NOTHING) @ model
    return {
        name: [other for k, other in enumerate(names, start=1) if k != place and abs(known[place, k]) > NOTHING]
        for place, name in enumerate(names, start=1)
        if known[place, place] < CERTAIN
    }


def _model(columns: Sequence[Sequence[bool]]) -> Floats:
    import numpy as np

    signs = np.where(np.array(columns, dtype=bool).T, 1.0, -1.0)
    return np.column_stack([np.ones(len(signs)), signs])


def _largest_correlation(model: Floats) -> tuple[int, int, float] | None:
    """Of columns that vary; None if no two do."""
    import numpy as np

    varying = [place for place in range(1, model.shape[1]) if np.ptp(model[:, place]) > 0]
    if len(varying) < 2:
        return None
    correlations = np.asarray(np.corrcoef(model[:, varying], rowvar=False))
    np.fill_diagonal(correlations, 0.0)
    first, second = sorted(int(place) for place in np.unravel_index(np.abs(correlations).argmax(), correlations.shape))
    largest = float(correlations[first, second])
    return (varying[first] - 1, varying[second] - 1, largest) if abs(largest) > NOTHING else None
