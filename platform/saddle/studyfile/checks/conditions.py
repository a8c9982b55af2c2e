"""Conditions of parameters (`when`): that what they speak of exists, can happen, and leads in no circle."""

from __future__ import annotations

from typing import Any

from saddle.study.nearest import nearest
from saddle.study.space import Parameter
from saddle.study.values import same
from saddle.studyfile.draft import Draft
from saddle.studyfile.problem import Path, show


def check_conditions(draft: Draft) -> None:
    """Check every `when` of the search."""
    for name, parameter in draft.search.items():
        for other, wanted in parameter.when.items():
            _check_condition(draft, ("search", name, "when", other), name, other, wanted)
    for circle in _circles(draft.search):
        what = f"the conditions are circular: {' → '.join(circle)}"
        draft.refuse(("search", circle[0], "when"), what, "remove one of them")


def _check_condition(draft: Draft, path: Path, name: str, other: str, wanted: Any) -> None:
    if other == name:
        draft.refuse(path, f"{name} can't depend on itself", "name another parameter")
        return
    values = wanted if isinstance(wanted, list) else [wanted]
    settings = {**draft.mapping("fixed"), **draft.mapping("evaluate")}
    if not values:
        draft.refuse(path, "an empty list is never satisfied", "list at least one value")
    elif other in draft.search:
        for value in values:
            _check_is_taken(draft, path, other, draft.search[other], value)
    elif other in settings:
        if not any(same(value, settings[other]) for value in values):
            what = f"{other} is fixed to {show(settings[other])}, so {name} would never be searched"
            draft.refuse(path, what, f"search {other}, or take {name} out of the search")
    elif draft.trainable is not None and other not in draft.mapping("search"):
        fields = draft.trainable.Config.model_fields
        if other not in fields:
            near = nearest(other, [candidate for candidate in [*draft.mapping("search"), *fields] if candidate != name])
            draft.refuse(path, f"{name} depends on {show(other)}, which doesn't exist", "name a parameter", near)


def _check_is_taken(draft: Draft, path: Path, other: str, parameter: Parameter, value: Any) -> None:
    if parameter.choice is not None:
        if not any(same(value, choice) for choice in parameter.choice):
            choices = ", ".join(map(show, parameter.choice))
            near = nearest(value, parameter.choice) if isinstance(value, str) else None
            draft.refuse(path, f"{other} never takes {show(value)}", f"its choices are {choices}", near)
        return
    low, high = parameter.bounds
    if parameter.float_range is not None:
        what = f"{other} is a float range, which practically never equals a single value"
        draft.refuse(path, what, f"make {other} an int or a choice")
    elif (
        isinstance(value, bool)
        or not isinstance(value, int)
        or not low <= value <= high
        or _off_lattice(parameter, value)
    ):
        draft.refuse(
            path,
            f"{other} never takes {show(value)}",
            f"it is a whole number from {low!r} to {high!r}{_steps(parameter)}",
        )


def _off_lattice(parameter: Parameter, value: int) -> bool:
    return parameter.step is not None and (value - parameter.bounds[0]) % parameter.step != 0


def _steps(parameter: Parameter) -> str:
    return "" if parameter.step is None else f" in steps of {parameter.step:g}"


def _circles(search: dict[str, Parameter]) -> list[list[str]]:
    """Every circle of conditions once, from its first parameter in the file; self-references are reported elsewhere."""
    after = {name: [other for other in spec.when if other in search and other != name] for name, spec in search.items()}
    circles: list[list[str]] = []
    covered: set[str] = set()
    for start in search:
        trail = _way_back(start, after, covered)
        if trail:
            circles.append(trail)
            covered.update(trail)
    return circles


def _way_back(start: str, after: dict[str, list[str]], covered: set[str]) -> list[str] | None:
    """The way from `start` along conditions back to it, breadth first."""
    trails = [[start]]
    reached = set(covered)
    while trails and start not in covered:
        trail = trails.pop(0)
        for other in after[trail[-1]]:
            if other == start:
                return [*trail, start]
            if other not in reached:
                reached.add(other)
                trails.append([*trail, other])
    return None
