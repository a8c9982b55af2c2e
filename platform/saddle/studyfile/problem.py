"""What is wrong with a study file: one `Problem` per mistake, all of them in one `StudyError`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]
"""Where in a document: keys and list indices from its top."""


@dataclass(frozen=True)
class Place:
    """A line of a file; an option of the command line has no line."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Problem:
    """One mistake: its place, the key it is at (`search.lr.float`), what is wrong, what would be right, the nearest."""

    file: str
    line: int | None
    where: str
    what: str
    right: str = ""
    nearest: str | None = None

    def __str__(self) -> str:
        head = ": ".join(part for part in (str(Place(self.file, self.line)), self.where, self.what) if part)
        hint = f"did you mean {self.nearest}?" if self.nearest else ""
        return "; ".join(part for part in (head, self.right, hint) if part)


def dotted(path: Path) -> str:
    """`("search", "lr", "float", 0)` as `search.lr.float[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def show(value: Any, limit: int = 60) -> str:
    """A value as the messages print it: short, and on one line."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
