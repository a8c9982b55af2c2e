"""What a section of a report is, and the sections that there are: those in the files of a folder for each report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any, Generic, TypeVar

from saddle.report.blocks import Block
from trainables.discovery import discover

Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Section(Generic[Subject]):
    """One section of a report; `page` and `markdown` return no blocks if it does not apply."""

    name: str
    """Its id in a page."""
    title: str
    """Its heading; empty for none."""
    place: int
    """Sections come in the order of their places; the gaps are for others."""
    page: Callable[[Subject], Sequence[Block]]
    """Its blocks in a page, or why there is nothing to show yet."""
    markdown: Callable[[Subject], Sequence[Block]] | None = None
    """Its blocks in Markdown, where they are not the same."""
    within: str = ""
    """The section of a page to which its blocks are appended, without its heading; else it is a separate section."""


def left_out(subject: object) -> Sequence[Block]:
    """No blocks: the `markdown` of a section that only a page has."""
    return ()


def present(*blocks: Block | None) -> list[Block]:
    """The blocks that are not None."""
    return [block for block in blocks if block is not None]


@dataclass(frozen=True)
class Part:
    """A section in a page."""

    name: str
    title: str
    blocks: Sequence[Block]


@lru_cache
def sections_of(folder: ModuleType) -> Sequence[Section[Any]]:
    """The sections in the files of a folder, in the order of their places.

    Raises `TypeError` for a file without one, two of one name, and one `within` a section that is itself within another
    one.
    """
    sections = discover(folder, Section)
    for section in sections.values():
        if not section.within:
            continue
        if section.within not in sections:
            raise TypeError(f"the section {section.name!r} is within {section.within!r}, which is not a section")
        if outer := sections[section.within].within:
            problem = f"the section {section.name!r} is within {section.within!r}, which is itself within {outer!r}"
            raise TypeError(f"{problem}; name the outermost one")
    return sorted(sections.values(), key=lambda section: section.place)


def page_parts(sections: Sequence[Section[Subject]], subject: Subject) -> list[Part]:
    """The sections of a page that apply to `subject`, each with those within it."""
    parts = []
    for section in sections:
        members = [section, *(other for other in sections if other.within == section.name)]
        blocks = [block for member in members for block in member.page(subject)]
        if blocks and not section.within:
            parts.append(Part(section.name, section.title, blocks))
    return parts


def markdown_parts(sections: Sequence[Section[Subject]], subject: Subject) -> list[Part]:
    """The sections that apply to `subject` in Markdown."""
    rendered = [(section, (section.markdown or section.page)(subject)) for section in sections]
    return [Part(section.name, section.title, blocks) for section, blocks in rendered if blocks]
