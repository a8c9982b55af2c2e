"""The idx format of MNIST and its relatives, plain or gzipped, with thorough checks."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from trainables.datasets.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

UNSIGNED_BYTE = 0x08
CHUNK = 1 << 20


def read_content(path: Path, limit: int) -> bytes:
    """The decompressed content of `path`; raises `DataError` when it is damaged or longer than `limit` bytes."""
    opener = gzip.open if path.suffix == ".gz" else open
    content = bytearray()
    try:
        with opener(path, "rb") as file:
            while chunk := file.read(CHUNK):
                content += chunk
                if len(content) > limit:
                    raise DataError(f"{path} is longer than the {limit} bytes it should have when decompressed")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is damaged: {error}; delete it and fetch it again") from None
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}") from None
    return bytes(content)


def verify(path: Path, content: bytes, sha256: str) -> None:
    """Raise `DataError` with both checksums unless `content` (decompressed) has the expected one."""
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise DataError(
            f"{path} is corrupt: its decompressed content ({len(content)} bytes) has\n"
            f"  sha256   {digest}\n  expected {sha256}\ndelete it and fetch it again"
        )


def parse_idx(content: bytes, source: str, dimensions: int) -> Tensor:
    """The uint8 tensor of `dimensions` axes that idx `content` holds; `source` names it in the `DataError`s raised.

    Layout: two zero bytes, the element type, the number of axes, each axis as 4 big-endian bytes, the elements.
    """
    if len(content) < 4 or content[:2] != b"\0\0":
        raise DataError(f"{source} is not an idx file: it starts with {content[:4].hex(' ') or 'nothing'}, not 00 00")
    element, axes = content[2], content[3]
    if element != UNSIGNED_BYTE:
        raise DataError(f"{source} holds elements of type 0x{element:02x}; only unsigned bytes (0x08) are read")
    if axes != dimensions:
        raise DataError(f"{source} has {axes} axes, not {dimensions}")
    header = 4 + 4 * axes
    if len(content) < header:
        raise DataError(f"{source} is truncated within its header: {len(content)} of {header} bytes")
    shape = [int.from_bytes(content[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(axes)]
    wanted = header + prod(shape)
    if len(content) != wanted:
        state = "truncated" if len(content) < wanted else "too long"
        raise DataError(
            f"{source} is {state}: {'×'.join(map(str, shape))} elements need {wanted} bytes, it has {len(content)}"
        )
    if prod(shape) == 0:
        raise DataError(f"{source} is empty: {'×'.join(map(str, shape))} elements")
    import torch  # here, because files are also checked and fetched where nothing is trained

    return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=header).reshape(shape)
