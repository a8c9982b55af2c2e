"""Where a number comes from that a study leaves open. Imports nothing."""

from __future__ import annotations

from typing import Literal

Source = Literal["paper", "official code", "customary", "assumed"]
"""Where a default comes from; `assumed` ones are printed in every report that rests on them."""
