"""The report of a study as GitHub-flavoured Markdown, without figures: for papers, issues and pull requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from saddle.report.evaluation import EvaluationFacts
from saddle.report.study_report import Contents
from saddle.report.tables import Table

SPECIAL = re.compile(r"[\\`*|\[\]~$!]|(?<!\w)_|_(?!\w)")
"""What would become markup; an underscore within a word does not."""
OF_HTML = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
"""As entities, for not every reader of Markdown takes a backslash before them."""
AT_THE_START = re.compile(r"[#+=-]|\d+(?=[.)])")
"""What would begin a list or a heading."""
NUMBER = re.compile(r"[+−<±]? ?\d|–$")


def render_markdown(contents: Contents) -> str:
    """Question, answer, cautions, tables, outcomes, assumptions, and how to reproduce it."""
    return "\n".join(_lines(contents)).rstrip() + "\n"


def _lines(it: Contents) -> Iterator[str]:
    yield from (f"## {paragraph(it.study.question or it.run.name)}", "", f"**{text(it.answer.sentence)}**", "")
    badge = f" Badge: {text(it.badge)}." if it.badge else ""
    yield from (f"{it.kind.capitalize()} `{it.run.name}`: {text(it.counts)}.{badge}", "")
    if it.answer.warnings:
        yield from ("### Read with care", "", *(f"- {paragraph(warning)}" for warning in it.answer.warnings), "")
    if it.results.rows:
        yield from ("### Results", "", *table(it.results))
    if it.blocks is not None:
        yield from ("### In single blocks", "", *table(it.blocks))
    if it.failures is not None:
        yield from ("### How often the method failed", "", *table(it.failures))
    if it.samples is not None:
        yield from ("### Sample by sample", "", paragraph(it.samples.lead), "")
        if it.samples.table is not None:
            yield from table(it.samples.table)
    if it.evaluation is not None:
        yield from _evaluation(it.evaluation)
    if it.agreement is not None:
        yield from ("### Whether blocks rank the arms alike", "", *table(it.agreement))
    if it.also is not None:
        yield from ("### Also measured", "", *table(it.also))
    if it.published is not None:
        yield from ("### Beside published values", "", *table(it.published))
    for checked in it.checked:
        yield from (f"### Checklist of {text(checked.name)}", "", paragraph(f"{checked.lead}."), "")
        yield from table(checked.table)
    if it.details is not None:
        yield from ("### Effect sizes and further tests", "", *table(it.details))
    if it.endings:
        rows = [
            (
                ending.outcome,
                str(ending.count),
                "; ".join([ending.meaning, *(f"{why} ({count})" for why, count in ending.reasons)]),
            )
            for ending in it.endings
        ]
        yield from ("### How the trials ended", "", *table(Table(("outcome", "trials", "meaning"), tuple(rows))))
    yield from _assumed(it)
    yield from (
        "### How to reproduce",
        "",
        f"`saddle` {it.version}, {it.written}. Save as `{it.study.study}.yaml`:",
        "",
    )
    yield from (*fenced(it.study_file, "yaml"), "")
    yield from (*fenced(it.command, "sh"), "")


def _evaluation(said: EvaluationFacts) -> Iterator[str]:
    yield from ("### The evaluation", "", *((paragraph(said.again), "") if said.again else ()))
    for title, part in (
        ("Which attack found each failure", said.found),
        ("Budget ladder", said.ladder),
        ("Whether validation ranks trials as the test does", said.ranking),
    ):
        if part is not None:
            yield from (f"#### {title}", "", *table(part))


def _assumed(it: Contents) -> Iterator[str]:
    """The weakest grounds one by one, of the others how many there are."""
    if not it.sources:
        return
    yield from ("### What was assumed", "")
    for source, members in it.sources:
        if source == "assumed":
            yield from ("No paper, code or custom gives these, and the result rests on them:", "")
            yield from table(Table(("hyperparameter", "value"), tuple((one.name, one.values) for one in members)))
        else:
            yield from (f"From {text(source)}: {text(', '.join(one.name for one in members))}.", "")


def table(table: Table) -> Iterator[str]:
    """A pipe table, columns of numbers to the right, and its note."""
    yield _row(table.columns)
    columns = list(zip(*table.rows, strict=True))[1:]
    sides = ["--:" if all(NUMBER.match(cell) for cell in column) else ":--" for column in columns]
    yield f"| {' | '.join([':--', *sides])} |"
    yield from (_row(row) for row in table.rows)
    yield ""
    if table.note:
        yield from (f"<sub>{text(table.note)}</sub>", "")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(text(cell) for cell in cells)} |"


def paragraph(words: str) -> str:
    """The same at the beginning of a block, where signs may begin a list or a heading."""
    line = re.sub(r"#+$", r"\\\g<0>", text(words))  # at the end of a heading they would be taken off
    found = AT_THE_START.match(line)
    if found is None:
        return line
    place = found.end() if line[0].isdigit() else 0
    return f"{line[:place]}\\{line[place:]}"


def text(words: str) -> str:
    """Words on one line that stay what they are, whatever signs they have."""
    line = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return SPECIAL.sub(r"\\\g<0>", line).translate(OF_HTML)


def fenced(content: str, language: str) -> Iterator[str]:
    """A block of code behind a fence that its content doesn't have."""
    longest = max((len(found) for found in re.findall(r"`{3,}", content)), default=2)
    fence = "`" * (longest + 1)
    yield from (f"{fence}{language}", content.rstrip("\n"), fence)
