"""One factor at a time: every level that is not the baseline's makes one arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saddle.design.arm import Arm, change, name_of
from saddle.design.values import same


def one_factor(factors: Mapping[str, list[Any]], baseline: Mapping[str, Any]) -> list[Arm]:
    """The baseline, and an arm for each other level of each factor, the other factors left at the baseline."""
    arms = [_baseline(factors, baseline)]
    for factor, levels in factors.items():
        for level in levels:
            if not same(level, baseline[factor]):
                arms.append(Arm(name_of({factor: level}), change(baseline, {factor: level}), factor, level))
    return arms


def _baseline(factors: Mapping[str, list[Any]], baseline: Mapping[str, Any]) -> Arm:
    if len(factors) == 1:
        # With a single factor "perturbation=sta" says more than "baseline".
        factor = next(iter(factors))
        return Arm(name_of({factor: baseline[factor]}), dict(baseline), factor, baseline[factor], is_baseline=True)
    return Arm("baseline", dict(baseline), is_baseline=True)
