"""Images that trials left behind, as data inside the page."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

from saddle.errors import Damaged, ForeignPath
from saddle.report.blocks import Picture, Pictures
from saddle.report.cited_trials import illustrated
from saddle.report.section import Section, left_out
from saddle.report.study_report import StudyReport
from saddle.report.trial_name import trial_name
from saddle.trial.outcome import METHOD_FAILURES
from saddle.trial.record import TrialRecord

PNG = b"\x89PNG\r\n\x1a\n"
MOST_IMAGES = 48
MOST_BYTES = 2_000_000
"""Of one image."""
SMALL, WIDE = 200, 1.4
"""Pixels below which an image is enlarged; width to height above which it takes the room of two."""
MOST_BYTES_IN_ALL = 12_000_000
"""A page that holds more would no longer open at once."""


def gallery(entries: Sequence[TrialRecord], read: Callable[[str], bytes] | None) -> list[Picture]:
    """The images of the given entries, trial by trial, those of failed methods first.

    Where there is no room for all, every trial shows its first ones.
    """
    if read is None:
        return []
    ordered = sorted(entries, key=lambda entry: entry.outcome not in METHOD_FAILURES)
    numbered = (
        (turn, place, f"{trial_name(entry)}: {name}", path)
        for place, entry in enumerate(ordered)
        for turn, (name, path) in enumerate(entry.closing_images.items())
    )
    shown: list[tuple[int, int, Picture]] = []
    room = MOST_BYTES_IN_ALL
    for turn, place, caption, path in sorted(numbered)[:MOST_IMAGES]:
        picture = _picture(caption, path, read)
        room -= len(picture.data)
        if room < 0:
            break
        shown.append((place, turn, picture))
    return [picture for _, _, picture in sorted(shown, key=lambda each: each[:2])]


def _picture(caption: str, path: str, read: Callable[[str], bytes]) -> Picture:
    try:
        content = read(path)
    except (OSError, Damaged, ForeignPath) as problem:
        return Picture(caption, problem=f"{path} can't be read ({type(problem).__name__})")
    if not content.startswith(PNG):
        return Picture(caption, problem=f"{path} is no PNG")
    if len(content) > MOST_BYTES:
        return Picture(caption, problem=f"{path} has {len(content) / 1e6:.1f} MB, too large for this page")
    return Picture(caption, f"data:image/png;base64,{base64.b64encode(content).decode()}", look=_look(content))


def _look(png: bytes) -> str:
    """Of an image's size, which stands at the same place in every PNG."""
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    if width < SMALL:
        return "small"
    return "wide" if width > WIDE * height else ""


def page(report: StudyReport) -> list[Pictures]:
    pictures = gallery(illustrated(report.results), report.read)
    return [Pictures(pictures)] if pictures else []


GALLERY = Section("gallery", "Images", 130, page, left_out)
