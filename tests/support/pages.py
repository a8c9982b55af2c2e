"""The pages (README and `docs/*.md`): their sections, blocks and commands, for every test that reads them.

A test runs a piece of a page by asking for it here. The place of a piece does not matter: it may move from one page to
another, or below another heading's level, as long as the heading above it keeps its title.

    @runs_each(pieces("yaml"))
    def test_study_files_load(piece: Piece) -> None: ...

    @runs(*pieces("command", under="From laptop to cluster"))
    def test_every_command(page_pieces: list[Piece]) -> None: ...
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")),
)

KINDS = {"command": "sh", "yaml": "yaml", "python": "python", "toml": "toml", "diff": "diff"}
"""Kinds of pieces, and the word after the fence of their blocks."""

FENCE = re.compile(r"^\s*(```+|~~~+)")
OPENING = re.compile(r"^```(\w*)$")
HEADING = re.compile(r"^(#+) +(.*?) *$")
SPAN = re.compile(r"`(saddle [^`]*)`")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; `headings` are those above it, outermost first."""

    page: str
    headings: tuple[str, ...]
    language: str
    text: str


@dataclass(frozen=True)
class Piece:
    """A piece that a test runs: a whole block, or one command of a block of shell or of a sentence."""

    kind: str
    text: str


class BrokenPage(Exception):
    """A page has fences that are not blocks."""


def page_text(page: str) -> str:
    """The text of a page; `page` is its path in the tree."""
    return (ROOT / page).read_text()


def all_text() -> str:
    """The text of all pages, one after the other."""
    return "\n".join(map(page_text, PAGES))


def parse_blocks(page: str, text: str) -> Iterator[Block]:
    """The fenced blocks of a page; raises `BrokenPage` for a fence that opens none, such as an indented one."""
    headings: dict[int, str] = {}
    language: str | None = None
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if language is not None:
            if line == "```":
                yield Block(page, tuple(headings.values()), language, "".join(f"{each}\n" for each in lines))
                language = None
            else:
                lines.append(line)
        elif opening := OPENING.match(line):
            language, lines = opening[1], []
        elif FENCE.match(line):
            raise BrokenPage(f"{page}:{number}: {line!r} opens no block; begin the line with ``` and a word")
        elif heading := HEADING.match(line):
            level = len(heading[1])
            headings = {above: title for above, title in headings.items() if above < level} | {level: heading[2]}
    if language is not None:
        raise BrokenPage(f"{page}: the last block has no end")


def blocks(page: str | None = None) -> list[Block]:
    """The blocks of a page, or of all."""
    return [block for name in ([page] if page else PAGES) for block in parse_blocks(name, page_text(name))]


def command_lines(block: Block) -> list[str]:
    """The lines of a block of shell, without their comments."""
    lines = (line.partition("  #")[0].strip() for line in block.text.splitlines())
    return [line for line in lines if line]


def pieces(kind: str, under: str | None = None, page: str | None = None) -> list[Piece]:
    """The pieces of a kind in the pages' order, of one section if `under` is its heading.

    Raises `LookupError` if there are none.
    """
    here = [block for block in blocks(page) if block.language == KINDS[kind] and (not under or under in block.headings)]
    if not here:
        raise LookupError(f"no {kind} in {page or 'any page'}" + (f" under the heading {under!r}" if under else ""))
    if kind != "command":
        return [Piece(kind, block.text) for block in here]
    return [Piece(kind, part.strip()) for block in here for line in command_lines(block) for part in line.split("&&")]


def commands_in_sentences(page: str | None = None) -> list[Piece]:
    """The calls of saddle in sentences, except patterns (`saddle run STUDY`)."""
    spans = [" ".join(span.split()) for name in ([page] if page else PAGES) for span in SPAN.findall(page_text(name))]
    return [Piece("command", span) for span in spans if "STUDY" not in span]


def pieces_of(page: str) -> set[Piece]:
    """Every piece of a page."""
    languages = {block.language for block in blocks(page)}
    kinds = [kind for kind, language in KINDS.items() if language in languages]
    return {piece for kind in kinds for piece in pieces(kind, page=page)} | set(commands_in_sentences(page))


def runs(*run: Piece) -> pytest.MarkDecorator:
    """Mark a test that runs these pieces, which it gets from the fixture `page_pieces`."""
    return pytest.mark.runs_page(*run)


def runs_each(run: Sequence[Piece]) -> pytest.MarkDecorator:
    """Mark a test that is called once for each of these pieces, as its argument `piece`."""
    return pytest.mark.parametrize(
        "piece", [pytest.param(each, marks=runs(each), id=" ".join(each.text.split()[:8])) for each in run]
    )
