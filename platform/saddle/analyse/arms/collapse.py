"""How often replicates fail: a separate outcome, which no mean of a metric shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from saddle.analyse.arms.paired_values import ArmValues


@dataclass(frozen=True)
class FailureRate:
    """How many of an arm's replicates failed, with the Clopper-Pearson interval of the rate.

    `discordant` counts the seeds at which only this arm failed and only the baseline did; `p` is the exact McNemar test
    of these, None for the baseline and if there are none.
    """

    arm: str
    failed: int
    trained: int
    low: float
    high: float
    discordant: tuple[int, int] = (0, 0)
    p: float | None = None

    @property
    def rate(self) -> float:
        return self.failed / self.trained


def failure_rates(measured: Sequence[ArmValues], alpha: float = 0.05) -> tuple[FailureRate, ...]:
    """The rates of all arms, the baseline first; none if nothing failed."""
    if not any(arm.failures for arm in measured):
        return ()
    return tuple(_rate(arm, measured[0], alpha) for arm in measured if _fates(arm))


def _fates(arm: ArmValues) -> dict[int, bool]:
    """By seed, whether the replicate failed; seeds that were not trained are absent."""
    return {**dict.fromkeys(arm.values, False), **dict.fromkeys(arm.failures, True)}


def _rate(arm: ArmValues, baseline: ArmValues, alpha: float) -> FailureRate:
    from scipy import stats

    fates, others = _fates(arm), _fates(baseline)
    failed = sum(fates.values())
    interval = stats.binomtest(failed, len(fates)).proportion_ci(1 - alpha, method="exact")
    only_arm = sum(fates[seed] and not others[seed] for seed in fates if seed in others)
    only_baseline = sum(others[seed] and not fates[seed] for seed in fates if seed in others)
    discordant = only_arm + only_baseline
    p = float(stats.binomtest(only_arm, discordant).pvalue) if discordant and arm is not baseline else None
    return FailureRate(
        arm.arm, failed, len(fates), float(interval.low), float(interval.high), (only_arm, only_baseline), p
    )
