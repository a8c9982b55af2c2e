"""A split whose tensors are a file of the cache, mapped: all processes of a node share its pages."""

from __future__ import annotations

import fcntl
import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.datasets.dataset import Split

MAP_NORESERVE = 0x4000  # Python's mmap names it from 3.13 on


class Damaged(Exception):
    """A file of the cache differs from what was written."""


def map_split(path: Path, shape: tuple[int, int, int]) -> Split:
    """The split in an Arrow file, images of `shape` (C, H, W), without reading it.

    While a tensor of it exists, the file is locked (a shared flock). Writing to a tensor changes the writer's own copy
    of that page, never the file. Raises `Damaged`, or `FileNotFoundError` if it is gone.
    """
    import pyarrow as pa

    mapped = _map_held(path)
    base = pa.py_buffer(mapped)
    try:
        batch = pa.ipc.open_file(base).get_batch(0)
        columns = {name: batch.column(name) for name in batch.schema.names}
        rows = len(batch)
        images = _tensor(mapped, base, columns["pixels"], pa.binary(shape[0] * shape[1] * shape[2]), np.uint8)
        labels = _tensor(mapped, base, columns["label"], pa.int64(), np.int64)
        masks = (
            _tensor(mapped, base, columns["mask"], pa.binary(shape[1] * shape[2]), np.uint8)
            if ("mask" in columns)
            else None
        )
        groups = _tensor(mapped, base, columns["group"], pa.int64(), np.int64) if "group" in columns else None
        masks = None if masks is None else masks.reshape(rows, *shape[1:])
        return Split(images.reshape(rows, *shape), labels, masks, groups)
    except (pa.ArrowException, OSError, KeyError, IndexError, ValueError, RuntimeError) as error:
        raise Damaged(f"{path}: {error}") from None


def _map_held(path: Path) -> mmap.mmap:
    """The file as private memory, under a lock that lasts as long as the map."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        status = os.fstat(descriptor)
        if status.st_nlink == 0:  # removed between opening and locking
            raise FileNotFoundError(path)
        if status.st_size == 0:
            raise Damaged(f"{path} is empty")
        # private and writable rather than read-only: a stray write into a tensor then affects only its writer, where
        # otherwise it would end the process with a signal; the map keeps a duplicate of the descriptor, and so the lock
        return mmap.mmap(
            descriptor, status.st_size, flags=mmap.MAP_PRIVATE | MAP_NORESERVE, prot=mmap.PROT_READ | mmap.PROT_WRITE
        )
    finally:
        os.close(descriptor)


def _tensor(mapped: mmap.mmap, base: Any, column: Any, kind: Any, element: type[np.generic]) -> Tensor:
    """The values of a column, flat, as a view of the map."""
    if column.type != kind or column.null_count or column.offset:
        raise ValueError(f"a column is of type {column.type}, not {kind}")
    values = column.buffers()[1]
    width = kind.byte_width if hasattr(kind, "byte_width") else kind.bit_width // 8
    start, length = values.address - base.address, len(column) * width
    if start < 0 or values.size < length or start + length > len(mapped):
        raise ValueError("a column reaches beyond the file")
    return torch.from_numpy(np.frombuffer(mapped, element, length // np.dtype(element).itemsize, start))
