"""What goes into a `Report.state`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def detached(value: Any) -> Any:
    """A copy of a nested state with every tensor cloned to the CPU, in plain dicts and lists."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, Mapping):
        return {key: detached(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [detached(item) for item in value]
    return value
