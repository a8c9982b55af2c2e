"""Combinations of levels that no arm may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saddle.design.point import Levels, Point, Standing
from saddle.errors import ExclusionError
from saddle.study.nearest import nearest
from saddle.study.values import canonical, readable, written

Entry = Mapping[str, Any]
"""Factors with a level, or with a list of levels; a point matches where all of them do."""

MOST_LISTED = 20
"""Levels that a message names."""

Known = Mapping[str, Mapping[str, Any]]
Rules = dict[tuple[str, str], list[tuple[Entry, Mapping[str, Mapping[str, Any]]]]]


def without(points: Sequence[Point], exclude: Sequence[Entry], factors: Levels) -> list[Point]:
    """The points that no entry matches.

    Raises `ExclusionError` for an unknown factor or level, and where the baseline itself matches.
    """
    if not exclude:
        return list(points)
    standing = next(point.levels for point in points if point.is_baseline)
    known = known_levels(factors, standing)
    rules = _rules(exclude, known)
    remaining = []
    for point in points:
        entry = _matching(point.levels, rules)
        if entry is not None and point.is_baseline:
            raise ExclusionError(f"exclude rules out the baseline: {_shown(entry)}; every arm is compared with it")
        if entry is None:
            remaining.append(point)
    return remaining


def known_levels(factors: Levels, standing: Standing) -> Known:
    """The levels of each factor, the baseline's among them, by their canonical text."""
    return {
        factor: {canonical(level): level for level in [*levels, *([standing[factor]] if factor in standing else [])]}
        for factor, levels in factors.items()
    }


def excluded_levels(entry: Entry, known: Known) -> dict[str, dict[str, Any]]:
    """The levels that an entry names of each factor, by their canonical text.

    A list is one level where the factor has that level (such as a list of tasks), else several levels. Raises
    `ExclusionError` if an entry names a factor or a level that there isn't, or where a list could be both.
    """
    return {factor: _levels_of(factor, wanted, known) for factor, wanted in entry.items()}


def _levels_of(factor: str, wanted: Any, known: Known) -> dict[str, Any]:
    if factor not in known:
        raise ExclusionError(f"exclude names {factor}, which is not a factor{_hint(factor, known)}")
    levels = known[factor]
    single = canonical(wanted)
    several = {canonical(level): level for level in wanted} if isinstance(wanted, list) and wanted else {}
    if single in levels and several and all(text in levels for text in several):
        raise ExclusionError(
            f"exclude names {factor}: {written(wanted)}, which is one of its levels, and a list of its levels;"
            f" write [{written(wanted)}] for the one, and an entry for each of the others"
        )
    chosen = several if several and single not in levels else {single: wanted}
    unknown = next((level for text, level in chosen.items() if text not in levels), None)
    if chosen.keys() - levels.keys():
        listed = ", ".join(map(written, list(levels.values())[:MOST_LISTED]))
        listed += f" and {len(levels) - MOST_LISTED} more" if len(levels) > MOST_LISTED else ""
        raise ExclusionError(
            f"exclude names {factor}: {written(unknown)}, which is not one of its levels ({listed})"
            f"{_hint(written(unknown), map(written, levels.values()))}"
        )
    return chosen


def _rules(exclude: Sequence[Entry], known: Known) -> Rules:
    """Each entry with its levels, found by the first of its factors at each of its levels.

    So a point is compared with the few entries that share a level with it: 2,000 arms with 2,000 entries are no
    4,000,000 comparisons.
    """
    rules: Rules = {}
    for entry in exclude:
        levels = excluded_levels(entry, known)
        first = next(iter(levels))
        for text in levels[first]:
            rules.setdefault((first, text), []).append((entry, levels))
    return rules


def _matching(point: Standing, rules: Rules) -> Entry | None:
    """The first entry of which every factor has one of the listed levels at the point."""
    stands = {factor: canonical(level) for factor, level in point.items()}
    for place in stands.items():
        for entry, levels in rules.get(place, ()):
            if all(stands[factor] in texts for factor, texts in levels.items()):
                return entry
    return None


def _shown(entry: Entry) -> str:
    return "{" + ", ".join(f"{factor}: {readable(level)}" for factor, level in entry.items()) + "}"


def _hint(name: str, names: Any) -> str:
    near = nearest(name, names)
    return f"; did you mean {near}?" if near else ""
