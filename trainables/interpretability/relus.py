"""How a network calls its ReLUs: as modules, which can be hooked, or as functions, which can't."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

FUNCTIONS = frozenset((F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_))


class _Counted(TorchFunctionMode):
    """Counts the calls of ReLU functions while it is active."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        self.calls += func in FUNCTIONS
        return func(*args, **(kwargs or {}))


def count_relus(network: nn.Module, image: Tensor) -> tuple[int, int]:
    """How often a forward pass of `image` (1, C, H, W) calls `nn.ReLU` modules, and ReLU functions outside of these."""
    modules = 0

    def count(*_: object) -> None:
        nonlocal modules
        modules += 1

    handles = [module.register_forward_hook(count) for module in network.modules() if isinstance(module, nn.ReLU)]
    try:
        with torch.no_grad(), _Counted() as counted:
            network(image)
    finally:
        for handle in handles:
            handle.remove()
    return modules, counted.calls - modules  # a module calls the function once
