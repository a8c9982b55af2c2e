"""Numbers that are whole grey levels, such as 0.00392156862745098, as people write them: 1/255.

What the ledger, keys of arms and stored files hold is unchanged; this is for what is read.
"""

from __future__ import annotations

import re

LEVELS = 255
SHORT = 6
"""Significant digits of a decimal that is short enough to be read directly: 0.2 is 51/255, which helps no reader."""
_LONG_DECIMAL = re.compile(r"(?<![\w.])0\.\d{7,}(?:e-\d+)?(?![\w.])")


def grey_levels(value: float) -> str:
    """`8/255` of a number from 0 to 1 that is so many grey levels; empty for any other, a third, and short decimals."""
    count = round(value * LEVELS) if 0 < value < 1 and round(3 * value, 9) not in (1, 2) else 0
    is_short = float(f"{value:.{SHORT}g}") == value
    return f"{count}/{LEVELS}" if count and not is_short and abs(value * LEVELS - count) < 1e-9 else ""


def with_grey_levels(text: str) -> str:
    """A name with its numbers written so: `epsilon=1/255` for `epsilon=0.00392156862745098`."""
    return _LONG_DECIMAL.sub(lambda match: grey_levels(float(match[0])) or match[0], text)
