"""Names of classes, folders and columns, compared as people read them, for any Unicode form of an accent."""

from __future__ import annotations

import unicodedata


def normal(name: str) -> str:
    """The name in Unicode's composed form (NFC): macOS's archives decompose it, and both are the same name."""
    return unicodedata.normalize("NFC", name)
