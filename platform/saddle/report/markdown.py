"""The report of a study as GitHub-flavoured Markdown, without figures: for papers, issues and pull requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import saddle.report.study_sections as study_sections
from saddle.report.blocks import Block, Code, Facts, Folded, Heading, Listing, Source, Table, Text
from saddle.report.section import markdown_parts, sections_of
from saddle.report.study_report import StudyReport

SPECIAL = re.compile(r"[\\`*|\[\]~$!]|(?<!\w)_|_(?!\w)")
"""What would become markup; an underscore within a word does not."""
OF_HTML = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
"""As entities, as not every reader of Markdown accepts a backslash before them."""
AT_THE_START = re.compile(r"[#+=-]|\d+(?=[.)])")
"""What would begin a list or a heading."""
NUMBER = re.compile(r"[+−<±]? ?\d|–$")


def render_markdown(report: StudyReport) -> str:
    """Question and answer, then the sections of the page that Markdown can show."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def _lines(report: StudyReport) -> Iterator[str]:
    yield from (f"## {paragraph(report.study.question or report.run.name)}", "")
    yield from (f"**{text(report.answer.plain)}**", "")
    if report.answer.statistics:
        yield from (paragraph(report.answer.statistics), "")
    badges = "; ".join(text(badge.text) for badge in report.badges)
    yield from (f"{report.kind.capitalize()} `{report.run.name}`: {text(report.counts)}. Verdict: {badges}.", "")
    for part in markdown_parts(sections_of(study_sections), report):
        yield from (f"### {text(part.title)}", "")
        yield from blocks_in_markdown(part.blocks)


def blocks_in_markdown(blocks: Sequence[Block]) -> Iterator[str]:
    """The lines of each block and an empty one; figures and images are left out."""
    for block in blocks:
        match block:
            case Text():
                yield from (paragraph_of(block.parts), "")
            case Heading():
                yield from (f"#### {text(block.title)}", "")
            case Listing():
                yield from (*(f"- {paragraph(item)}" for item in block.items), "")
            case Table():
                yield from table(block)
            case Facts():
                yield from (*(f"- {text(fact.name)}: {text(' · '.join(fact.values))}" for fact in block.facts), "")
            case Source():
                yield from (*fenced(block.content, block.language), "")
            case Folded():
                yield from (f"#### {text(block.summary)}", "")
                yield from blocks_in_markdown(block.blocks)


def paragraph_of(parts: Sequence[str]) -> str:
    """A paragraph with its code; the spaces between texts and code are those at the ends of the texts."""
    first, *others = parts
    spaced = [" " * part.startswith(" ") + text(part) + " " * part.endswith(" ") for part in others]
    beginning = code(first) if isinstance(first, Code) else paragraph(first) + " " * first.endswith(" ")
    return beginning + "".join(
        code(part) if isinstance(part, Code) else words for part, words in zip(others, spaced, strict=True)
    )


def code(words: str) -> str:
    """Words as code within a paragraph, for any characters in them."""
    line = printable(words)
    fence = "`" * (max((len(ticks) for ticks in re.findall("`+", line)), default=0) + 1)
    return f"{fence} {line} {fence}" if "`" in line else f"{fence}{line}{fence}"


def table(block: Table) -> Iterator[str]:
    """A pipe table, columns of numbers to the right, and its note."""
    yield _row(block.columns)
    sides = ["--:" if numeric else ":--" for numeric in numeric_columns(block)]
    yield f"| {' | '.join(sides)} |"
    yield from (_row(row) for row in block.rows)
    yield ""
    if block.note:
        yield from (f"<sub>{text(block.note)}</sub>", "")


def numeric_columns(table: Table) -> list[bool]:
    """Whether each column holds numbers alone; the first one names the rows."""
    columns = list(zip(*table.rows, strict=True))[1:]
    return [False, *(all(NUMBER.match(cell) for cell in column) for column in columns)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(text(cell) for cell in cells)} |"


def paragraph(words: str) -> str:
    """The same at the beginning of a block, where characters may begin a list or a heading."""
    line = re.sub(r"#+$", r"\\\g<0>", text(words))  # at the end of a heading they would be removed
    match = AT_THE_START.match(line)
    if match is None:
        return line
    place = match.end() if line[0].isdigit() else 0
    return f"{line[:place]}\\{line[place:]}"


def text(words: str) -> str:
    """Words on one line that stay unchanged, for any characters in them."""
    return SPECIAL.sub(r"\\\g<0>", printable(words)).translate(OF_HTML)


def printable(words: str) -> str:
    """Words on one line, without invisible characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def fenced(content: str, language: str) -> Iterator[str]:
    """A block of code behind a fence that its content doesn't have."""
    longest = max((len(run) for run in re.findall(r"`{3,}", content)), default=2)
    fence = "`" * (longest + 1)
    yield from (f"{fence}{language}", content.rstrip("\n"), fence)
