"""Text, tables, CSV and JSON on the terminal and in pipes."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from saddle.cli.output.terminal import visible, visible_line
from saddle.study.grey_levels import grey_levels

WIDTH_UNKNOWN = 160
"""Columns of a table that is written to a file or a log."""


GAP = 2
"""Blanks that a table adds to each column."""

MANY = 300
"""From so many rows on a table is not left to Rich, which would take seconds for thousands."""

NARROWEST_FOLD = 28
"""Cells up to this long are never folded."""


def print_json(value: Any) -> None:
    """Print JSON that every reader accepts: no NaN, keys sorted."""
    from saddle.trial.json_text import to_json

    text = to_json(value)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:  # other signs would be other values
        text = json.dumps(json.loads(text), sort_keys=True)
    print(text)


def console() -> Any:
    """Rich's console, as wide as the terminal or `COLUMNS`; in a log, wide enough to fold little."""
    from rich.console import Console

    has_width = any(stream.isatty() for stream in (sys.stdout, sys.stderr)) or "COLUMNS" in os.environ
    return Console(highlight=False, emoji=False, width=None if has_width else WIDTH_UNKNOWN)


def say(text: str = "", *, style: str = "", indent: int = 0) -> None:
    """Print a text: on a terminal wrapped between words, in a pipe on one line."""
    from rich.padding import Padding
    from rich.text import Text

    out, text = console(), visible(text)
    if out.is_terminal:
        out.print(Padding(Text(text, style=style), (0, 0, 0, indent)))
    else:
        out.print(Text(" " * indent + text), soft_wrap=True)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None, optional: int = 0
) -> tuple[str, ...]:
    """Print a table, numbers to the right; returns the names of columns left out.

    The last `optional` columns are left out, from the right, where the terminal is too narrow for them.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    out = console()
    columns, title = [visible_line(name) for name in columns], title and visible_line(title)
    row_lists = [list(row) for row in rows]
    cells = [[shown(value) for value in row] for row in row_lists]
    texts = [(name, *(row[index] for row in cells)) for index, name in enumerate(columns)]
    whole = [column_width(*text) for text in texts]
    count = len(columns)
    while count > len(columns) - optional and sum(whole[:count]) + GAP * count > out.width:
        count -= 1
    widths = fit(texts[:count], out.width - GAP * count)
    many = len(cells) > MANY and all(fits(row[:count], widths) for row in cells)
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for index, name in enumerate(columns[:count]):
        values = [row[index] for row in row_lists if row[index] is not None]
        numeric = bool(values) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        table.add_column(Text(name), justify="right" if numeric else "left", overflow="fold", width=widths[index])
    if many:
        right = [column.justify == "right" for column in table.columns]
        with out.capture() as captured:
            out.print(table)
        *head, foot = captured.get().splitlines(keepends=True)
        out.file.write("".join((*head, *(line(row[:count], widths, right) for row in cells), foot)))
    else:
        for row in cells:
            table.add_row(*(Text(cell) for cell in row[:count]))
        out.print(table)
    return tuple(columns[count:])


def fits(row: Sequence[str], widths: Sequence[int | None]) -> bool:
    """Whether no cell of a row has to be folded or cleaned."""
    return all(
        width is not None and cell.isprintable() and cells_wide(cell) <= width
        for cell, width in zip(row, widths, strict=True)
    )


def line(row: Sequence[str], widths: Sequence[int | None], right: Sequence[bool]) -> str:
    """A row that `fits`, as Rich would print it, which takes it a millisecond."""
    padded = []
    for cell, width, at_right in zip(row, widths, right, strict=True):
        blank = " " * ((width or 0) - cells_wide(cell))
        padded.append(blank + cell if at_right else cell + blank)
    return f" {(' ' * GAP).join(padded)} \n"


def cells_wide(text: str) -> int:
    """How many columns of the terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def fit(texts: Sequence[Sequence[str]], room: int) -> list[int | None]:
    """The widths of columns with these texts: no short cell folded where that fits, else no word broken, else free."""
    least = next(
        (w for width in (column_width, longest_word) if sum(w := [width(*text) for text in texts]) <= room), None
    )
    if least is None:
        return [None] * len(texts)
    for index in sorted(range(len(texts)), key=lambda i: longest_line(*texts[i]) - least[i]):
        least[index] += max(0, min(longest_line(*texts[index]) - least[index], room - sum(least)))
    return list(least)


def column_width(name: str, *cells: str) -> int:
    """What a column wants so that it breaks no word of its head and folds no short cell."""
    return max(min(longest_line(*cells), NARROWEST_FOLD), longest_word(name))


def longest_line(*texts: str) -> int:
    """What a column wants so that it folds nothing."""
    return max((len(line) for text in texts for line in text.splitlines()), default=1)


def longest_word(*texts: str) -> int:
    """What a column wants so that it breaks no word."""
    return max((len(word) for text in texts for word in text.split()), default=1)


def shown(value: Any) -> str:
    """A cell's text, as it may be shown."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return grey_levels(value) or f"{value:.4g}"
    if isinstance(value, Mapping):
        return visible(", ".join(f"{name}={shown(item)}" for name, item in value.items()))
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value)
    return visible(str(value))


def print_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows with the union of their columns; lists and mappings as JSON."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {
                name: json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
                for name, value in row.items()
            }
        )
