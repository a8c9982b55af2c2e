"""States as the bytes of `.pt` files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from saddle.store.checkpoint.checkpoint_metadata import add_record


def encode_state(state: Mapping[str, Any], record: bytes | None = None) -> bytes:
    """A state as the bytes of a `.pt` file, with a record of what else is known (see `recovery`)."""
    import torch

    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    if record is not None:
        add_record(buffer, record)
    return buffer.getvalue()


def decode_state(content: bytes) -> dict[str, Any]:
    """A state from the bytes of a `.pt` file; nothing in it can run code."""
    import torch

    state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return state
