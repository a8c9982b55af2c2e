"""JSON as every reader expects it: numbers that are not finite are null."""

from __future__ import annotations

import json
import math
from typing import Any

from saddle.trial.lazy_json import JsonList


def to_json(value: Any) -> str:
    """JSON in which numbers that aren't finite are null, as every reader of JSON expects."""
    return json.dumps(_finite(value), sort_keys=True, ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple | JsonList):
        return [_finite(item) for item in value]
    return value
