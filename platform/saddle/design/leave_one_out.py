"""Leave one out: the baseline has every component, and each arm lacks one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saddle.design.arm import Arm, DesignError, change
from saddle.design.values import is_off, readable, same


def leave_one_out(factors: Mapping[str, list[Any]], baseline: Mapping[str, Any]) -> list[Arm]:
    """The baseline, and an arm per factor with that component at its "off" level.

    Raises `DesignError` where a factor has no single off level, or is already off in the baseline.
    """
    arms = [Arm("baseline", dict(baseline), is_baseline=True)]
    for factor, levels in factors.items():
        others = [level for level in levels if not same(level, baseline[factor])]
        if len(others) != 1:
            listed = ", ".join(readable(level) for level in others) or "none"
            raise DesignError(
                f"leave_one_out wants exactly one off level of {factor} beside the baseline's"
                f" {readable(baseline[factor])}, and finds {listed}; use design: one_factor for several levels"
            )
        if is_off(baseline[factor]) and not is_off(others[0]):
            raise DesignError(
                f"leave_one_out starts from a baseline with every component, but {factor} is"
                f" {readable(baseline[factor])} in it; switch it on there, or use design: one_factor"
            )
        name = f"without {factor.replace('_', ' ')}"
        arms.append(Arm(name, change(baseline, {factor: others[0]}), factor, others[0]))
    return arms
