"""Images and Parquet files that tests of one's own data write."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image


def png(pixels: np.ndarray[Any, Any]) -> bytes:
    """Pixels (H, W) or (H, W, 3) uint8 as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def noise(n: int, shape: tuple[int, ...] = (8, 6), seed: int = 0) -> np.ndarray[Any, Any]:
    """Random images (N, *shape) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def write_parquet(path: Path, images: np.ndarray[Any, Any], classes: int = 3, **options: Any) -> Path:
    """A Parquet file of images; the label of row i is i modulo `classes`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"image": [png(image) for image in images], "label": [row % classes for row in range(len(images))]}
    pq.write_table(pa.table(columns), path, **options)
    return path
