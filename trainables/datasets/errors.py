"""What goes wrong with data, said to the person whose data it is."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class DataError(ValueError):
    """A dataset is absent, corrupt or not what its description says; the message names file, row or class."""


class DataNotFoundError(DataError):
    """A dataset isn't on this machine; the message says how to get it."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """A clause that names the valid name nearest to `name`, or lists all of them when none is near."""
    names = list(valid)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"choose from {', '.join(names[:20])}{', …' if len(names) > 20 else ''}"
