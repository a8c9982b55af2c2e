"""Values that are compared on another scale than their own (`compare: {scale: log}`), and effects in units again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.statistics.scales import ScaleName, from_scale, is_defined, to_scale
from saddle.analyse.text.formatting import DASH
from trainables.contract import Metric

FUNCTIONS: dict[ScaleName, str] = {"log": "logarithm", "logit": "logit"}


def on_scale(arm: ArmValues, scale: ScaleName) -> ArmValues:
    """The arm with its values on the scale, once `off_scale` has shown that all of them are defined on it."""
    if scale == "linear":
        return arm
    return replace(arm, values={seed: to_scale(value, scale) for seed, value in arm.values.items()})


def in_units(effect: Effect, scale: ScaleName) -> Effect:
    """An effect of values on the scale: its difference stays on it, the two means are in the metric's unit again."""
    arm, baseline = (
        None if mean is None else from_scale(mean, scale) for mean in (effect.arm_mean, effect.baseline_mean)
    )
    return replace(effect, scale=scale, arm_mean=arm, baseline_mean=baseline)


def off_scale(measured: Sequence[ArmValues], metric: Metric, scale: ScaleName) -> str:
    """Why the arms can't be compared on the scale, as a clause that names the first value off it; empty if they can.

    Nothing is compared then: leaving the value out would favour its arm, because it is the extreme one.
    """
    for arm in measured:
        for seed, value in arm.values.items():
            if not is_defined(value, scale):
                return (
                    f"{metric} = {value:g} ({arm.arm}, seed {seed}) has no {FUNCTIONS.get(scale, DASH)}, so no"
                    f" difference is taken with scale: {scale}; use scale: linear"
                )
    return ""
