"""Switches of torch that a trial sets and that would outlive it: TF32 and determinism; they are restored afterwards.

A worker serves many trials, and torch's switches are global in the process. Therefore each trial sets both during
every step that it computes, and none depends on what an earlier trial, a library or a notebook had set.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar, cast

import torch

from trainables.device.settings import ArithmeticSettings

T = TypeVar("T")

WORKSPACE, TWO_BUFFERS = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"
"""The workspace with which cuBLAS is deterministic; torch refuses its products without (CUDA's docs of cuBLAS)."""


@contextmanager
def float32_products(*, tf32: bool) -> Iterator[None]:
    """Whether products and convolutions of float32 on a GPU round their inputs to TF32.

    By torch's own defaults convolutions do and products don't. Both of torch's interfaces to the switch are set, as
    code that reads the other one is refused.
    """
    backends: Any = torch.backends
    switches = (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn)
    before = [switch.fp32_precision for switch in switches]
    product = _matmul_precision()
    _set_products(switches, ["tf32" if tf32 else "ieee"] * len(switches), "high" if tf32 else "highest")
    try:
        yield
    finally:
        _set_products(switches, before, product)


def _set_products(switches: Any, precisions: list[str], product: str) -> None:
    torch.set_float32_matmul_precision(product)
    torch.backends.cudnn.allow_tf32 = precisions[1] == "tf32"
    for switch, precision in zip(switches, precisions, strict=True):
        switch.fp32_precision = precision


def _matmul_precision() -> str:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:  # only the newer interface was used
        return "high" if cast(Any, torch.backends.cuda.matmul).fp32_precision == "tf32" else "highest"


@contextmanager
def deterministic_algorithms(wanted: bool) -> Iterator[None]:
    """If `wanted`, operations give the same bits for the same input, or raise `RuntimeError`; else nothing changes.

    cuBLAS reads its workspace's size when a process first uses it: in a worker that had computed products before, they
    are as deterministic as torch's own workspace makes them.
    """
    if not wanted:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn, workspace = torch.backends.cudnn, os.environ.get(WORKSPACE)
    flags = cudnn.deterministic, cudnn.benchmark
    os.environ[WORKSPACE] = workspace or TWO_BUFFERS
    torch.use_deterministic_algorithms(True)
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = flags
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        if workspace is None:
            del os.environ[WORKSPACE]


@contextmanager
def measuring(config: ArithmeticSettings) -> Iterator[None]:
    """The arithmetic of a trial's measurements: full float32, deterministic if it asks for that."""
    with float32_products(tf32=False), deterministic_algorithms(config.deterministic):
        yield


def each_within(steps: Iterator[T], context: Callable[[], AbstractContextManager[None]]) -> Iterator[T]:
    """The values of `steps`, each computed within its own `context`.

    So nothing is set while the caller uses a value, or drops the rest.
    """
    over = object()
    while True:
        with context():
            value = next(steps, over)
        if value is over:
            return
        yield cast(T, value)


def autocast(config: ArithmeticSettings, device: torch.device) -> AbstractContextManager[None]:
    """bfloat16 on a GPU if mixed precision is asked for."""
    wanted = config.mixed_precision and device.type == "cuda"
    return cast(AbstractContextManager[None], torch.autocast(device.type, torch.bfloat16, enabled=wanted))
