"""Images that trials left behind, as data inside the page."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from saddle.report.facts import name_of
from saddle.search.outcomes import METHOD_FAILURES
from saddle.store.entry import Entry

PNG = b"\x89PNG\r\n\x1a\n"
MOST_IMAGES = 12
MOST_BYTES = 2_000_000
"""Of one image: a page that holds more would no longer open at once."""


@dataclass(frozen=True)
class Picture:
    """One image with its caption; without `data` (a data: address), `problem` says why it is not shown."""

    caption: str
    data: str = ""
    problem: str = ""


def gallery(entries: Sequence[Entry], read: Callable[[str], bytes] | None) -> list[Picture]:
    """The images of the given entries in their order, at most twelve, those of failed methods first."""
    if read is None:
        return []
    ordered = sorted(entries, key=lambda entry: entry.outcome not in METHOD_FAILURES)
    wanted = [(entry, name, path) for entry in ordered for name, path in entry.closing_images.items()]
    return [_picture(f"{name_of(entry)}: {name}", path, read) for entry, name, path in wanted[:MOST_IMAGES]]


def _picture(caption: str, path: str, read: Callable[[str], bytes]) -> Picture:
    try:
        content = read(path)
    except OSError as problem:
        return Picture(caption, problem=f"{path} can't be read ({type(problem).__name__})")
    if not content.startswith(PNG):
        return Picture(caption, problem=f"{path} is no PNG")
    if len(content) > MOST_BYTES:
        return Picture(caption, problem=f"{path} has {len(content) / 1e6:.1f} MB, too large for this page")
    return Picture(caption, f"data:image/png;base64,{base64.b64encode(content).decode()}")
