"""The words that begin an answer: the verdict of each comparison, or how many have which."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from saddle.analyse.expectation import ReachedWord, reached_words
from saddle.analyse.study_results import StudyResults

MOST_NAMED = 4
"""With more comparisons, the verdicts are counted."""


@dataclass(frozen=True)
class VerdictBadge:
    """The displayed text, and the verdict's own word, which determines its colour; empty for a search."""

    text: str
    word: str = ""


def verdict_badges(results: StudyResults) -> list[VerdictBadge]:
    """The verdict of an ablation's comparisons or of a relation; of a search whether its best trial has the badge."""
    if not results.records and results.answer.relation is None:
        return [VerdictBadge("no result yet")]
    if results.study.search is not None:
        return [VerdictBadge(_of_search(results))]
    reached = reached_words(results)
    if len(reached) == 1:
        return [VerdictBadge(_short(reached[0]), str(reached[0].word))]
    if len(reached) <= MOST_NAMED:
        return [
            VerdictBadge(f"{comparison.name}: {_short(comparison)}", str(comparison.word)) for comparison in reached
        ]
    counts = Counter(str(comparison.word) for comparison in reached)
    return [VerdictBadge(f"{word}: {count} of {len(reached)}", word) for word, count in counts.most_common()]


def _short(reached: ReachedWord) -> str:
    """The verdict without the reason that the sentence gives."""
    return reached.text.partition(": ")[0]


def _of_search(results: StudyResults) -> str:
    badge = results.answer.badge
    if badge.holders:
        checked = any(record.checks for record in results.records if record.key in badge.holders)
        return "best, checked" if checked else "best"
    return "best: withheld" if badge.withheld else "no best trial"
