"""An effect as the cells of a table."""

from __future__ import annotations

from saddle.analyse.effect import Effect
from saddle.analyse.text.formatting import DASH, Scale, p_value


def effect_cells(effect: Effect, scale: Scale) -> tuple[str, str, str, str]:
    """Its mean, interval, adjusted p, and verdict."""
    return (
        DASH if effect.mean is None else scale.change(effect.mean),
        scale.interval(effect.low, effect.high),
        p_value(effect.p_adjusted),
        effect.verdict_text,
    )
