"""Verdicts on counts: exact one-sided binomial bounds (Clopper and Pearson, 1934) instead of bare percentages."""

from __future__ import annotations

from trainables.contract import CheckVerdict

CONFIDENCE = 0.99
"""One-sided. Of 60 honest networks with some twenty such tests each, a few may warn and almost none may fail."""


def lower_bound(count: int, n: int, confidence: float = CONFIDENCE) -> float:
    """The share that `count` of `n` shows to be exceeded."""
    from scipy.stats import beta

    return 0.0 if count == 0 else float(beta.ppf(1 - confidence, count, n - count + 1))


def upper_bound(count: int, n: int, confidence: float = CONFIDENCE) -> float:
    """The share that `count` of `n` shows not to be reached."""
    from scipy.stats import beta

    return 1.0 if count >= n else float(beta.ppf(confidence, count + 1, n - count))


def at_most(count: int, n: int, share: float) -> CheckVerdict:
    """Whether `count` of `n` is compatible with at most `share`.

    A single image never counts; a count above the share that doesn't exclude it is a warning.
    """
    if count <= 1 or n == 0 or count <= share * n:
        return "pass"
    return "fail" if lower_bound(count, n) > share else "warn"


def at_least(count: int, n: int, share: float) -> CheckVerdict:
    """Whether `count` of `n` is compatible with at least `share`."""
    if n == 0 or count >= share * n or n - count <= 1:
        return "pass"
    return "fail" if upper_bound(count, n) < share else "warn"


def more_often(gained: int, lost: int, confidence: float = CONFIDENCE) -> bool:
    """Whether images gained outnumber images lost beyond chance (exact one-sided sign test)."""
    from scipy.stats import binomtest

    return gained > lost and bool(binomtest(gained, gained + lost, alternative="greater").pvalue < 1 - confidence)


def worst(*verdicts: CheckVerdict) -> CheckVerdict:
    """The worst of several verdicts."""
    order: tuple[CheckVerdict, ...] = ("pass", "not run", "warn", "fail")
    return max(verdicts, key=order.index)
