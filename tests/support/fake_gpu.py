"""A fake GPU: tensors without contents, which refuse what a real one refuses, and record every wait.

Tensors for `cuda` are on torch's `meta` device under a `FakeTensorMode`: an operation on tensors of
two devices raises, as on a GPU, and gradients work, which they don't for fake `cuda` tensors without a driver.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

ROOT = Path(__file__).parents[2] / "trainables"

READS: dict[str, Any] = {
    "aten._local_scalar_dense.default": 0.5,
    "aten.equal.default": True,
    "aten.is_nonzero.default": True,
}
"""Operations that read a number from a tensor, and their results on fake ones."""
INDEXING = ("aten.index.Tensor", "aten.index_put_.default", "aten._index_put_impl_.default")


@dataclass
class FakeGpu(TorchDispatchMode):
    """Counts operations that would wait for a GPU; `waits` has each with the line of our code that caused it."""

    waits: list[str] = field(default_factory=list)
    copied_out: int = 0
    """Copies from the GPU that don't wait."""

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name, wanted = str(func), kwargs.get("device")
        if wanted is not None and torch.device(wanted).type == "cuda":
            kwargs["device"] = torch.device("meta")
        if name == "aten._pin_memory.default":
            return args[0]
        if kwargs.get("pin_memory"):
            kwargs["pin_memory"] = False
        tensors = [value for value in args if isinstance(value, Tensor)]
        if name in READS:
            if any(value.is_meta for value in tensors):
                self._wait(name)
            return READS[name]
        self._look(name, args, kwargs, tensors)
        if name == "aten.bincount.default":  # as if there were no larger number
            self._wait(name)
            return args[0].new_zeros((*args, kwargs.get("minlength"))[-1] or 1)
        if name == "aten.nonzero.default":  # as if all were chosen, because the result's shape depends on the contents
            return args[0].new_zeros((args[0].numel(), args[0].dim()), dtype=torch.int64)
        if name == "aten.index.Tensor" and len(args[1]) == 1 and args[1][0].dtype == torch.bool:
            return args[0].flatten(0, args[1][0].dim() - 1).clone()
        return func(*args, **kwargs)

    def _look(self, name: str, args: Any, kwargs: Any, tensors: list[Tensor]) -> None:
        if name == "aten.nonzero.default" and tensors[0].is_meta:
            self._wait(name)
        if name == "aten._to_copy.default" and kwargs.get("device") is not None:
            self._moved(tensors[0].is_meta, torch.device(kwargs["device"]).type == "meta", kwargs.get("non_blocking"))
        if name == "aten.copy_.default":
            self._moved(tensors[1].is_meta, tensors[0].is_meta, (*args[2:], kwargs.get("non_blocking", False))[0])
        if name in INDEXING:
            indices = [index for index in args[1] if index is not None]
            if tensors[0].is_meta and any(not index.is_meta or index.dtype == torch.bool for index in indices):
                self._wait(f"{name} by a mask, or from the CPU")
            if not tensors[0].is_meta and any(index.is_meta for index in indices):
                raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")

    def _moved(self, from_gpu: bool, to_gpu: bool, non_blocking: bool | None) -> None:
        if from_gpu == to_gpu:
            return
        if not non_blocking:
            self._wait(f"a copy {'to' if to_gpu else 'from'} the GPU")
        elif from_gpu:
            self.copied_out += 1

    def _wait(self, what: str) -> None:
        ours = [frame for frame in traceback.extract_stack() if frame.filename.startswith(str(ROOT))]
        place = f"{Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].name}" if ours else "a test"
        self.waits.append(f"{place}: {what}")


class FakeStream:
    """A stream or an event of the fake GPU; `waited` counts how often the CPU waited for one."""

    waited = 0

    def __init__(self, device: Any = None) -> None:
        self.device = device

    def wait_stream(self, other: Any) -> None: ...

    def synchronize(self) -> None:
        type(self).waited += 1


@contextmanager
def fake_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGpu]:
    """Within it `cuda` is a `FakeGpu`; other tensors are on a CPU, and also fake."""
    FakeStream.waited = 0
    monkeypatch.setattr(torch.cuda, "Stream", FakeStream)
    monkeypatch.setattr(torch.cuda, "current_stream", FakeStream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(Tensor, "record_stream", lambda tensor, stream: None)
    monkeypatch.setattr(torch.random, "fork_rng", lambda *args, **kwargs: nullcontext())  # there is no state to keep
    monkeypatch.setattr(torch, "autocast", lambda *args, **kwargs: nullcontext())  # the meta device has none
    monkeypatch.setattr(nn.Module, "to", moved)
    monkeypatch.setattr(Tensor, "numpy", as_numpy)
    with FakeTensorMode(allow_non_fake_inputs=True), FakeGpu() as gpu:
        yield gpu


def as_numpy(tensor: Tensor) -> np.ndarray[Any, Any]:
    """Zeros of the tensor's shape and type; raises what torch raises of a tensor on a GPU."""
    if tensor.is_meta:
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy it first.")
    return np.zeros(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))


def moved(module: nn.Module, device: Any) -> nn.Module:
    """The module with its weights and buffers on a device; torch's own way can't exchange fake tensors."""
    for part in module.modules():
        for name, weight in part._parameters.items():
            if weight is not None:
                part._parameters[name] = nn.Parameter(weight.detach().to(device), weight.requires_grad)
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = buffer.to(device)
    return module
