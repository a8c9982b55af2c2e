"""Errors about data, for the person who owns the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

from trainables.datasets.names import normal

SHOWN = 20
"""How many mistakes of one dataset are listed individually."""


class DataError(ValueError):
    """A dataset is absent, corrupt or differs from its description; the message names file, row or class."""


class DataNotFoundError(DataError):
    """A dataset isn't on this machine; the message explains how to get it."""


class Mistakes:
    """What is wrong with the images of a dataset, reported together."""

    def __init__(self, messages: Iterable[str] = ()) -> None:
        self.messages = list(messages)

    def __bool__(self) -> bool:
        return bool(self.messages)

    def add(self, message: str) -> None:
        """Add a mistake."""
        self.messages.append(message)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Add the `DataError` that is raised within the block, and continue after it."""
        try:
            yield
        except DataNotFoundError:
            raise
        except DataError as error:
            self.add(str(error))

    def raise_any(self) -> None:
        """Raise `DataError` with all of them, one per line, the first `SHOWN` in full."""
        more = len(self.messages) - SHOWN
        end = [f"and {more:,} more"] if more > 0 else []
        if len(self.messages) > 1:
            end.append(f"({len(self.messages):,} mistakes in all)")
        if self.messages:
            raise DataError("\n".join([*self.messages[:SHOWN], *([" ".join(end)] if end else [])]))


def nearest(name: str, valid: Iterable[str]) -> str:
    """A clause that names the valid name nearest to `name`, or lists all of them when none is near."""
    names = [other for other in valid if normal(other) != normal(name)]
    alike = [other for other in names if other.casefold() == name.casefold()]
    close = alike or get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"choose from {', '.join(names[:20]) or 'nothing'}{', …' if len(names) > 20 else ''}"
