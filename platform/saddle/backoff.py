"""How long to wait before something that failed is tried again: the same rule everywhere."""

from __future__ import annotations


def pause_after(failures: int, first: float, longest: float = float("inf")) -> float:
    """Seconds to wait after so many failures in a row: `first`, then twice as long each time, at most `longest`."""
    return min(first * 2.0 ** min(failures - 1, 60), longest)
