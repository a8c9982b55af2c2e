"""Switches of torch that a trial sets and that outlive it: TF32 and determinism, as they were before afterwards.

A worker serves many trials, and torch's switches are the process's. Therefore each trial sets both for the time of
every step that it computes, and none is left to what an earlier trial, a library or a notebook had set.
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
"""What cuBLAS computes deterministically with; torch refuses its products without (CUDA's documentation of cuBLAS)."""


@contextmanager
def float32_products(*, tf32: bool) -> Iterator[None]:
    """Products and convolutions of float32 on a GPU round what they multiply to TF32, or don't.

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
    """Where `wanted`, operations give the same bits for the same input, or raise `RuntimeError`; else as it was.

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
    """The arithmetic that a trial measures with: full float32, deterministic as it says."""
    with float32_products(tf32=False), deterministic_algorithms(config.deterministic):
        yield


def each_within(steps: Iterator[T], context: Callable[[], AbstractContextManager[None]]) -> Iterator[T]:
    """The values of `steps`, each of them made within a `context` of its own.

    So nothing is set while whoever asked for a value looks at it, or drops the rest.
    """
    over = object()
    while True:
        with context():
            value = next(steps, over)
        if value is over:
            return
        yield cast(T, value)


def autocast(config: ArithmeticSettings, device: torch.device) -> AbstractContextManager[None]:
    """bfloat16 on a GPU where mixed precision is asked for."""
    wanted = config.mixed_precision and device.type == "cuda"
    return cast(AbstractContextManager[None], torch.autocast(device.type, torch.bfloat16, enabled=wanted))
