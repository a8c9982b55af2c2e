"""Values evenly apart in decimal arithmetic: a grid over [0.1, 0.5] holds 0.3, not 0.30000000000000004."""

from __future__ import annotations

from decimal import Context, Decimal

EXACT = Context(prec=60)
"""More digits than any sum of two floats' shortest decimals needs."""

ROUNDING = 1e-9
"""Of a step: ends that were computed, such as 8/255, may miss a multiple of the step by a rounding error."""


def steps(low: float, high: float, step: float) -> list[float]:
    """`low`, `low` + `step`, … up to `high`."""
    count = int((high - low) / step + ROUNDING) + 1
    return [min(at_step(low, step, index), high) for index in range(count)]


def at_step(low: float, step: float, index: int) -> float:
    """`low` + `index` · `step`, as it would be written."""
    return float(EXACT.fma(_decimal(step), Decimal(index), _decimal(low)))


def nearest_step(value: float, low: float, step: float) -> float:
    """The value of the lattice of `low` and `step` that is nearest to one drawn from it in binary arithmetic."""
    return at_step(low, step, round((value - low) / step))


def evenly(low: float, high: float, points: int, *, log: bool = False) -> list[float]:
    """`points` values from `low` to `high`, both among them, at equal distances, or ratios where `log`."""
    first, last = _decimal(low), _decimal(high)
    shares = [EXACT.divide(Decimal(index), Decimal(points - 1)) for index in range(1, points - 1)]
    if log:
        ratio = EXACT.divide(last, first)
        inner = [EXACT.multiply(first, EXACT.power(ratio, share)) for share in shares]
    else:
        inner = [EXACT.fma(EXACT.subtract(last, first), share, first) for share in shares]
    return [low, *(float(value) for value in inner), high]


def _decimal(value: float) -> Decimal:
    """The shortest decimal that means this float: what a study file says."""
    return Decimal(repr(value))
