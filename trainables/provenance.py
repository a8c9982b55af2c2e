"""The source of a value that a study leaves open. Imports nothing."""

from __future__ import annotations

from typing import Literal

Source = Literal["paper", "official code", "customary", "assumed"]
"""The source of a default; `assumed` ones are printed in every report that depends on them."""
