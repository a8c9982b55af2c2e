"""The result of a study in a few words, for lists of studies."""

from __future__ import annotations

from saddle.analyse.arms.effect import Effect
from saddle.analyse.searches.chance_and_ties import why_search_has_no_best
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import plural

MOST_NAMES = 2
"""Arms of one verdict that are named; more are counted."""


def short_verdict(results: StudyResults) -> str:
    """`helps: mp; no difference shown: 5 arms` of an ablation, the word of a relation, of a search its badge.

    Empty if nothing has been compared.
    """
    answer = results.answer
    if answer.relation is not None:
        return str(answer.relation.answer.word)
    if results.study.search is not None:
        return _of_search(results)
    names: dict[str, list[str]] = {}
    for effect in answer.effects:
        names.setdefault(_word(effect), []).append(effect.name)
    return "; ".join(f"{word}: {_listed(arms)}" for word, arms in names.items())


def _of_search(results: StudyResults) -> str:
    badge = results.answer.badge
    if badge.withheld and not badge.holders:
        return "badge withheld"
    if badge.holders:
        checked = any(results.by_key[key].checks for key in badge.holders)
        return "best trial, checked" if checked else "best trial"
    return "no best trial" if why_search_has_no_best(results.study, results.declared, results.comparable) else ""


def _word(effect: Effect) -> str:
    return f"{effect.verdict}, with reservations" if effect.reservations else str(effect.verdict)


def _listed(arms: list[str]) -> str:
    return " and ".join(arms) if len(arms) <= MOST_NAMES else plural(len(arms), "arm")
