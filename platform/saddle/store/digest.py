"""The checksum that blobs are known by, and JSON that bears its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from saddle.trial.json_text import to_json


def checksum(content: bytes) -> str:
    """The SHA-256 of a blob."""
    return hashlib.sha256(content).hexdigest()


def sign_json(raw: Mapping[str, Any]) -> bytes:
    """A mapping as JSON with its own checksum."""
    body = to_json(dict(raw))
    return f'{body[:-1]}, "sha256": "{checksum(body.encode())}"}}'.encode()


def read_signed_json(content: bytes) -> dict[str, Any]:
    """The mapping that `sign_json` wrote; raises `ValueError` if it is not whole."""
    raw = json.loads(content)
    try:
        expected = raw.pop("sha256")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it has no checksum: {error!r}") from error
    if checksum(to_json(raw).encode()) != expected:
        raise ValueError("its checksum doesn't match")
    facts: dict[str, Any] = raw
    return facts
