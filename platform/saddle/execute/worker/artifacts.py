"""Arrays and images of a trial as files of its storage."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from saddle.external_names import file_name
from saddle.store.base import Store


def store_arrays(store: Store, folder: str, arrays: Mapping[str, Any]) -> dict[str, str]:
    """Store each array as `.npy` in `folder`; returns their paths by name."""
    import numpy as np

    paths: dict[str, str] = {}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, np.asarray(array), allow_pickle=False)
        paths[name] = f"{folder}/{file_name(name)}.npy"
        store.write(paths[name], buffer.getvalue())
    return paths


def store_images(store: Store, folder: str, images: Mapping[str, Any]) -> dict[str, str]:
    """Store each image, (H, W) or (H, W, 3) uint8, as `.png` in `folder`; returns their paths by name."""
    import numpy as np
    from PIL import Image

    paths: dict[str, str] = {}
    for name, image in images.items():
        buffer = io.BytesIO()
        Image.fromarray(np.asarray(image, dtype=np.uint8)).save(buffer, "PNG")
        paths[name] = f"{folder}/{file_name(name)}.png"
        store.write(paths[name], buffer.getvalue())
    return paths
