"""Images that trials stored, as data inside the page."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from saddle.analyse.evaluation.predictions import Read, read_array, read_predictions, stores_predictions
from saddle.analyse.text.formatting import listed
from saddle.errors import Damaged, ForeignPath
from saddle.report.blocks import Folded, Picture, Pictures, Text, Word
from saddle.report.cited_trials import illustrated
from saddle.report.section import Section, left_out
from saddle.report.study_report import StudyReport
from saddle.report.trial_name import trial_name
from saddle.trial.outcome import METHOD_FAILURES
from saddle.trial.record import TrialRecord
from trainables.contract import CLEAN, SHOWN, WORST_CASE

WORDS = "Below the images: the label → what the network predicts under attack, of the test images from the left."
PNG = b"\x89PNG\r\n\x1a\n"
MOST_IMAGES = 48
MOST_BYTES = 2_000_000
"""Of one image."""
SMALL, WIDE = 200, 1.4
"""Pixels below which an image is enlarged; width to height above which it takes the room of two."""
MOST_BYTES_IN_ALL = 12_000_000
"""A page with more would no longer open immediately."""


@dataclass(frozen=True)
class Illustrated:
    """A trial with the pictures of it that a page has room for."""

    entry: TrialRecord
    name: str
    pictures: Sequence[Picture]


def gallery(
    entries: Sequence[TrialRecord], read: Callable[[str], bytes] | None, names: Mapping[str, str] = MappingProxyType({})
) -> list[Illustrated]:
    """The images of the given entries, trial by trial, those of failed methods first; `names`: displayed names of arms.

    If there is no room for all, every trial shows its first ones.
    """
    if read is None:
        return []
    ordered = sorted(entries, key=lambda entry: entry.outcome not in METHOD_FAILURES)
    titles = [trial_name(entry, names) for entry in ordered]
    numbered = (
        (turn, place, name, path)
        for place, entry in enumerate(ordered)
        for turn, (name, path) in enumerate(entry.closing_images.items())
    )
    shown: dict[int, list[tuple[int, Picture]]] = {}
    room = MOST_BYTES_IN_ALL
    for turn, place, name, path in sorted(numbered)[:MOST_IMAGES]:
        picture = _picture(f"{titles[place]}: {name}", path, read)
        room -= len(picture.data)
        if room < 0:
            break
        shown.setdefault(place, []).append((turn, picture))
    return [
        Illustrated(
            ordered[place], titles[place], [picture for _, picture in sorted(members, key=lambda member: member[0])]
        )
        for place, members in sorted(shown.items())
    ]


def _picture(caption: str, path: str, read: Callable[[str], bytes]) -> Picture:
    try:
        content = read(path)
    except (OSError, Damaged, ForeignPath) as problem:
        return Picture(caption, problem=f"{path} can't be read ({type(problem).__name__})")
    if not content.startswith(PNG):
        return Picture(caption, problem=f"{path} is not a PNG")
    if len(content) > MOST_BYTES:
        return Picture(caption, problem=f"{path} has {len(content) / 1e6:.1f} MB, too large for this page")
    return Picture(caption, f"data:image/png;base64,{base64.b64encode(content).decode()}", look=_look(content))


def _look(png: bytes) -> str:
    """The look of an image by its size, which is at the same position in every PNG."""
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    if width < SMALL:
        return "small"
    return "wide" if width > WIDE * height else ""


def words_of(entry: TrialRecord, read: Read) -> list[Word]:
    """The label of each test sample that a trial's galleries show, and what is predicted for it under attack.

    Empty where the trial's method doesn't say which samples these are, or has no predictions of them.
    """
    if SHOWN not in entry.arrays or not stores_predictions(entry):
        return []
    try:
        predictions, places = read_predictions(entry, read), read_array(entry.arrays[SHOWN], read)
    except (OSError, Damaged, ForeignPath, ValueError):
        return []
    under = next((name for name in (WORST_CASE, *predictions.predicted) if name in predictions.predicted), CLEAN)
    predicted, labels = predictions.predicted.get(under), predictions.labels
    if predicted is None or places.size == 0 or int(places.max()) >= len(labels):
        return []
    pairs = [(int(labels[place]), int(predicted[place])) for place in places]
    return [Word(f"{label} → {guess}", label == guess) for label, guess in pairs]


def page(report: StudyReport) -> list[Folded]:
    """A row for each trial, one per arm, folded."""
    rows = gallery(illustrated(report.results), report.read, report.results.arm_names)
    if not rows or report.read is None:
        return []
    shown = [Pictures(row.pictures, row.name, words_of(row.entry, report.read)) for row in rows]
    note = [Text([WORDS], "note")] if any(row.words for row in shown) else []
    return [Folded(f"Images of {listed(row.name for row in rows)}", [*note, *shown], id="images")]


GALLERY = Section("gallery", "Images", 130, page, left_out)
