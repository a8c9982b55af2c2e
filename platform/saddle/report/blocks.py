"""What sections of a report consist of, for any kind of page; all texts are plain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from saddle.report.drawing.canvas import LazyFigure


class Code(str):
    """Words of a text that are code."""


class Lines(str):
    """The text of a cell, and further lines below it."""

    more: Sequence[str]

    def __new__(cls, first: str, more: Sequence[str]) -> Self:
        lines = super().__new__(cls, first)
        lines.more = more
        return lines


@dataclass(frozen=True)
class Text:
    """A paragraph; `look` is a CSS class."""

    kind: ClassVar[str] = "text"
    parts: Sequence[str]
    look: str = ""


@dataclass(frozen=True)
class Heading:
    """The title of a part of a section."""

    kind: ClassVar[str] = "heading"
    title: str


@dataclass(frozen=True)
class Listing:
    """Paragraphs as the items of a list."""

    kind: ClassVar[str] = "listing"
    items: Sequence[str]


@dataclass(frozen=True)
class Table:
    """Names of columns and rows of text, and what a reader should know about them; `look` is a CSS class."""

    kind: ClassVar[str] = "table"
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    look: str = ""


@dataclass(frozen=True)
class Fact:
    """A name and its values; `differs` if they should be one value and are not."""

    name: str
    values: Sequence[str]
    differs: bool = False


@dataclass(frozen=True)
class Facts:
    """Names and their values; `look` is a CSS class."""

    kind: ClassVar[str] = "facts"
    facts: Sequence[Fact]
    look: str = ""


@dataclass(frozen=True)
class Source:
    """A file or a command, word for word."""

    kind: ClassVar[str] = "source"
    content: str
    language: str = ""


@dataclass(frozen=True)
class Folded:
    """What a page shows below its `summary` if that is opened; Markdown shows it below a heading."""

    kind: ClassVar[str] = "folded"
    summary: str
    blocks: Sequence[Block]
    id: str = ""
    look: str = ""
    open: bool = False


@dataclass(frozen=True)
class Figures:
    """Drawings; Markdown has none."""

    kind: ClassVar[str] = "figures"
    figures: Sequence[LazyFigure]


@dataclass(frozen=True)
class Picture:
    """One image with its caption; without `data` (a data: address), `problem` says why it is not shown.

    `look`: "small" if pixels are to be seen when it is enlarged, "wide" if it needs the room of two.
    """

    caption: str
    data: str = ""
    problem: str = ""
    look: str = ""


@dataclass(frozen=True)
class Word:
    """A short text below an image, and whether it is good news."""

    text: str
    good: bool


@dataclass(frozen=True)
class Pictures:
    """Images side by side; Markdown has none."""

    kind: ClassVar[str] = "pictures"
    pictures: Sequence[Picture]
    title: str = ""
    """What they have in common."""
    words: Sequence[Word] = ()
    """Words on the images that each of the pictures shows, from left to right."""


Block = Text | Heading | Listing | Table | Facts | Source | Folded | Figures | Pictures
