"""Read the pickles of CIFAR-10 without running other code: a pickle could name any function to be called."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from trainables.datasets.errors import DataError


def _reconstruct(kind: type, shape: tuple[int, ...], typecode: bytes) -> Any:
    """Replaces numpy's function of that name for plain arrays: an empty one, filled by what follows."""
    if kind is not np.ndarray:
        raise pickle.UnpicklingError(f"it contains a {kind}, not an array")
    return np.ndarray.__new__(np.ndarray, shape, np.dtype(typecode.decode()))


NEEDED: Mapping[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}
"""The only names in the files of cifar-10-batches-py (Python 2, numpy 1)."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in NEEDED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no file of CIFAR-10 needs")
        return NEEDED[module, name]


def read_pickle(path: Path) -> Mapping[bytes, Any]:
    """The mapping in a batch of CIFAR-10; raises `DataError` if it is anything else."""
    try:
        content = path.read_bytes()
        batch = _Unpickler(io.BytesIO(content), encoding="bytes").load()
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}") from None
    except Exception as error:  # a damaged pickle raises almost anything
        raise DataError(f"{path} is not a batch of CIFAR-10: {error}") from None
    if not isinstance(batch, dict):
        raise DataError(f"{path} is not a batch of CIFAR-10: it holds a {type(batch).__name__}")
    return batch
