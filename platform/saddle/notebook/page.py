"""A study as a notebook shows it: question, answer, what to be careful about, and the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from saddle.analyse.study_results import StudyResults

MOST_ROWS = 30


def page(results: StudyResults) -> str:
    """The HTML of a notebook's cell."""
    answer, counts = results.answer, Counter(record.outcome for record in results.records)
    ends = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    head = line("th", answer.columns)
    body = "".join(line("td", row) for row in answer.rows[:MOST_ROWS])
    more = len(answer.rows) - MOST_ROWS
    cautions = [*answer.warnings, *([answer.conditional] if answer.conditional else [])]
    warnings = "".join(f"<li>{escape(warning)}</li>" for warning in cautions)
    return "".join(
        (
            f"<h3>{escape(results.run.name)}</h3>",
            f"<p><em>{escape(results.study.question)}</em></p>",
            f"<p><strong>{escape(answer.sentence)}</strong></p>",
            f"<table><thead>{head}</thead><tbody>{body}</tbody></table>" if answer.rows else "",
            f"<p>… and {more} more rows in <code>.answer.rows</code></p>" if more > 0 else "",
            f"<ul>{warnings}</ul>" if warnings else "",
            f"<p>{escape(ends or 'no finished trial yet')}</p>",
        )
    )


def line(tag: str, cells: Sequence[str]) -> str:
    """A row of a table, set left as texts are (notebooks set numbers right)."""
    return "<tr>" + "".join(f'<{tag} style="text-align:left">{escape(cell)}</{tag}>' for cell in cells) + "</tr>"
