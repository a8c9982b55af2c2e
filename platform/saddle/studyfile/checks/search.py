"""Ranges against the configuration: both ends of every range, and every choice, must be values it accepts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from saddle.study.space import Parameter
from saddle.studyfile.checks.settings import known_settings, mistakes_with, refuse_at
from saddle.studyfile.draft import Draft
from saddle.studyfile.problem import Path
from saddle.studyfile.validation_messages import Mistake


def check_search(draft: Draft) -> None:
    """Try the ends of each range alone for their type and bounds, then with the others for whether they fit."""
    if not draft.is_search:
        return
    known = {name: spec for name, spec in draft.search.items() if name in draft.loaded.Config.model_fields}
    good = {name: spec for name, spec in known.items() if _check_alone(draft, name, spec)}
    settings, paths = known_settings(draft)
    base = {**settings, **typical_point(good)}
    paths = {**paths, **{name: ("search", name) for name in good}}
    wrong = [mistake for mistake in mistakes_with(draft, base) if not mistake.path]
    for mistake in wrong:
        refuse_at(draft, paths, mistake, ("fixed",) if "fixed" in draft.raw else ("search",))
    # Where even the typical point doesn't fit, trying further ones would repeat the message.
    for name, spec in good.items() if not wrong else ():
        for suffix, value in _ends(spec):
            settings = {**base, **_conditions(spec), name: value}
            for mistake in mistakes_with(draft, settings):
                if not mistake.path:
                    draft.refuse(("search", name, *suffix), mistake.what, mistake.right, mistake.nearest)


def typical_point(search: dict[str, Parameter]) -> dict[str, Any]:
    """One point of the search: the first value of every parameter that is not conditional."""
    return {name: next(_ends(spec))[1] for name, spec in search.items() if not spec.when}


def _check_alone(draft: Draft, name: str, spec: Parameter) -> bool:
    mistakes: list[tuple[Path, Mistake]] = []
    if spec.float_range is not None and _takes_whole_numbers(draft, name, spec):
        low, high = spec.float_range
        whole = f"write {{int: [{round(low)}, {max(round(high), round(low) + 1)}]}}"
        mistakes.append((("float",), Mistake((), f"{name} takes whole numbers only", whole)))
    else:
        for suffix, value in _ends(spec):
            mistakes += [(suffix, mistake) for mistake in _mistakes_of(draft, name, value)]
    for suffix, mistake in mistakes:
        draft.refuse(("search", name, *suffix), mistake.what, mistake.right, mistake.nearest)
    return not mistakes


def _mistakes_of(draft: Draft, name: str, value: Any) -> list[Mistake]:
    """What the configuration says of this value by itself."""
    settings, _ = known_settings(draft)
    return [m for m in mistakes_with(draft, {**settings, name: value}) if m.path[:1] == (name,)]


def _takes_whole_numbers(draft: Draft, name: str, spec: Parameter) -> bool:
    low, high = spec.bounds
    # The golden section of a range is hardly ever a whole number, while its ends often are.
    between = low + 0.381966 * (high - low)
    return any(mistake.right == "expected a whole number" for mistake in _mistakes_of(draft, name, between))


def _ends(spec: Parameter) -> Iterator[tuple[Path, Any]]:
    """The values to try of a parameter, with their path below it."""
    if spec.choice is not None:
        yield from ((("choice", index), value) for index, value in enumerate(spec.choice))
    else:
        kind = "int" if spec.int_range is not None else "float"
        yield from (((kind, index), value) for index, value in enumerate(spec.bounds))


def _conditions(spec: Parameter) -> dict[str, Any]:
    """Values under which a conditional parameter is searched."""
    return {name: wanted[0] if isinstance(wanted, list) and wanted else wanted for name, wanted in spec.when.items()}
