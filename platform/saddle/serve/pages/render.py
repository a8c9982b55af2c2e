"""From templates to HTML; everything that comes from a storage is escaped."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import metadata, resources
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from saddle.analyse.text.formatting import duration, label, plural, setting

STATIC = {"live.js": "text/javascript", "style.css": "text/css"}
"""Files that pages load, and their media types."""


@lru_cache(maxsize=1)
def templates() -> Environment:
    """The templates of this folder."""
    environment = Environment(
        loader=FunctionLoader(read_file),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "address": lambda text: quote(str(text), safe=""),
        "label": label,
        "duration": lambda seconds: "" if seconds is None else duration(seconds),
        "plural": plural,
        "setting": setting,
        "day": lambda when: time.strftime("%Y-%m-%d %H:%M", time.localtime(when)),
    }
    return environment


def read_file(name: str) -> str:
    """A file of this folder; the style begins with that of reports."""
    own = resources.files("saddle.serve.pages").joinpath(name).read_text(encoding="utf-8")
    return (
        resources.files("saddle.report").joinpath(name).read_text(encoding="utf-8") + own
        if name == "style.css"
        else own
    )


def render_page(template: str, /, *, title: str, events: str = "", **values: Any) -> str:
    """A whole page; `events` is the address of its changes, empty if it doesn't change."""
    return _template(template).render(title=title, events=events, version=metadata.version("saddle"), **values)


def render_regions(template: str, regions: Iterable[str], /, **values: Any) -> Mapping[str, str]:
    """The HTML of each region of a page by the id of its element: what the macros of those names give."""
    module = _template(template).make_module(values)
    return {region: str(getattr(module, region)()) for region in regions}


def _template(name: str) -> Template:
    return templates().get_template(name)
