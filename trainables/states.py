"""Copies of what a `Report.state` contains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor


def on_cpu(tensor: Tensor) -> Tensor:
    """A copy of a tensor on the CPU, detached."""
    return tensor.detach().to("cpu", copy=True)


def detached(value: Any, copy: Callable[[Tensor], Tensor] = on_cpu) -> Any:
    """A copy of a nested state with every tensor copied to the CPU, in plain dicts and lists."""
    if isinstance(value, Tensor):
        return copy(value)
    if isinstance(value, Mapping):
        return {key: detached(item, copy) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [detached(item, copy) for item in value]
    return value
