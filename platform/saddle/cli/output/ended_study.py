"""A study that has ended as plain data, for `saddle run --json`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saddle.execute.driver import EndedStudy


def ended_as_plain(result: EndedStudy) -> dict[str, Any]:
    """What a study came to: its answer in a sentence, the verdicts of its comparisons, a search's best trial."""
    from saddle.analyse.expectation import reached_words

    answer, results = result.answer, result.results
    words = [] if result.study.search is not None else reached_words(results)
    return {
        "study": results.run.name,
        "kind": result.study.kind,
        "finished": not result.interrupted,
        "trials": len(result.entries),
        "outcomes": dict(Counter(str(entry.outcome) for entry in result.entries)),
        "answer": answer.sentence,
        "warnings": list(answer.warnings),
        "metric": answer.metric.name,
        "verdicts": [word.facts for word in words],
        "best": None if answer.best is None else answer.best.key,
        "report": result.report,
        "undelivered": result.undelivered,
    }
