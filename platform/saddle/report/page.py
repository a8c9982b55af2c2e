"""What all pages are made of: one HTML file each that fetches nothing, with one script, which sorts tables."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Sequence
from importlib import metadata, resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.relations.word import Word
from saddle.analyse.text.formatting import DASH
from saddle.report.blocks import Code, Lines

Cell = tuple[str, str]
"""A text and its CSS classes."""

VERDICTS = {
    **{str(verdict): str(verdict).replace(" ", "-") for verdict in Verdict},
    **{str(word): str(word).replace(" ", "-") for word in Word},
    "better": "helps",
    "worse": "hurts",
}
"""Words that end a comparison, and the colour each is shown in."""


SCRIPT = "sort.js"


def render_page(template: str, *, title: str, **values: Any) -> str:
    """The page's HTML from one of the templates in this folder."""
    environment = Environment(
        loader=FunctionLoader(_file), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["svg"] = Markup  # ours, made from escaped text
    environment.filters["cells"] = table_cells
    environment.filters["slug"] = lambda word: VERDICTS.get(word, "")
    environment.tests["code"] = lambda part: isinstance(part, Code)
    return environment.get_template(template).render(
        title=title,
        css=Markup(_file("style.css")),
        script=Markup(script_text()),
        script_source=script_source(),
        version=metadata.version("saddle"),
        written=time.strftime("%Y-%m-%d %H:%M"),
        **values,
    )


def script_source() -> str:
    """The only script that a page may run, as a Content-Security-Policy names it, for any text in the page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script_text().encode()).digest()).decode()}'"


def script_text() -> str:
    """The text of the script."""
    return _file(SCRIPT)


def table_cells(rows: Sequence[Sequence[str]]) -> list[list[Cell]]:
    """Rows as texts with classes: numbers are aligned right, verdicts have their colour."""
    return [[(cell, looks(index, cell)) for index, cell in enumerate(row)] for row in rows]


def looks(index: int, cell: str) -> str:
    """The class of a table cell: names are aligned left, long values may wrap."""
    word = cell.partition(":")[0]
    if index == 0:
        return "name"
    if cell == DASH:
        return "value none"
    if isinstance(cell, Lines):
        return "text"
    if word in VERDICTS:
        return f"verdict {VERDICTS[word]}"
    return "value wrap" if "(" in cell or len(cell) > 24 else "value"


def _file(name: str) -> str:
    return resources.files("saddle.report").joinpath(name).read_text(encoding="utf-8")
