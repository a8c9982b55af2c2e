"""Copying a state from a GPU while it computes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from trainables.states import detached


def begin_copy(state: Mapping[str, Any], device: torch.device) -> Callable[[], dict[str, Any]]:
    """Begin to copy a nested `state` to the CPU; returns a function that waits for the copy and returns it.

    The copy is of the state after all work queued on `device` so far. On a GPU it takes place on a separate stream,
    into pinned memory, while the present stream continues. Until the copy was waited for, nothing may change
    the state, as the next step of an optimiser does; attacks and measurements don't.
    """
    if device.type == "cpu":
        copied: dict[str, Any] = detached(state)
        return lambda: copied
    copy_stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    copy_stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(copy_stream):
        copying: dict[str, Any] = detached(state, _pinned_copy)

    def wait() -> dict[str, Any]:
        copy_stream.synchronize()
        return copying

    return wait


def _pinned_copy(tensor: Tensor) -> Tensor:
    """The tensor on the CPU once the present stream has got there."""
    if tensor.device.type == "cpu":
        return tensor.detach().clone()
    tensor.record_stream(torch.cuda.current_stream(tensor.device))  # else its memory could be reused for another one
    return torch.empty_like(tensor, device="cpu", pin_memory=True).copy_(tensor.detach(), non_blocking=True)
