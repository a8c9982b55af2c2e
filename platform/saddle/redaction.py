"""Passwords in addresses are shown to nobody."""

from __future__ import annotations

import re


def redact(text: str) -> str:
    """The text with the passwords of the addresses in it replaced, however they are written."""
    text = re.sub(r"(://[^:/@\s]*:)\S*(@)", r"\1***\2", text)
    return re.sub(r"((?:password|passwd|pwd)=)[^&\s]*", r"\1***", text, flags=re.IGNORECASE)
