"""What a run of a relation knows of its units: measures of their data, written once, and which data are absent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from saddle.errors import StorageError
from saddle.store.base import Store
from saddle.store.open import study_folder
from saddle.store.ownership.fence import StudyLock, write_fenced, write_once
from saddle.store.parallel import in_parallel
from saddle.study.relations.relation import RelationUnit
from saddle.study.relations.unit_facts import NO_FACTS, UnitFacts
from saddle.study.values import short_hash, slug
from saddle.trial.json_text import to_json
from saddle.trial.run_id import RunId

VERSION = 1
"""Of the files; a file of a later version is not read."""


def units_folder(run: RunId) -> str:
    """Where the files of a run's units are stored."""
    return f"{study_folder(run)}/units"


def absent_path(run: RunId) -> str:
    """The path of the file that lists units without data."""
    return f"{study_folder(run)}/absent-units.json"


def read_units(store: Store, run: RunId) -> UnitFacts:
    """What is stored of a run's units; raises `StorageError` if it is damaged."""
    folder = units_folder(run)
    paths = [f"{folder}/{name}" for name in sorted(store.names(folder)) if name.endswith(".json")]
    measures: dict[str, dict[str, float]] = {}
    for entry in in_parallel(store, lambda path: _read(store, path), paths):
        # what was measured first counts, even if a later version of the trainable adds to it
        measures[str(entry["unit"])] = {**_numbers(entry["measures"]), **measures.get(str(entry["unit"]), {})}
    try:
        facts = _read(store, absent_path(run))
    except FileNotFoundError:
        return UnitFacts(measures) if measures else NO_FACTS
    absent = {str(unit): str(why) for unit, why in facts["absent"].items()}
    return UnitFacts(measures, absent, int(facts.get("arrivals", 0)))


def write_measures(
    store: Store, run: RunId, unit: RelationUnit, measures: Mapping[str, float], lock: StudyLock
) -> None:
    """Add what was measured of a unit's data to what was measured before; raises `TakenOver`."""
    folder = units_folder(run)
    stem = f"{slug(unit.name)}-{short_hash(unit.settings)}"
    number = sum(name.startswith(f"{stem}.") for name in store.names(folder)) + 1
    facts = {"version": VERSION, "token": lock.token, "unit": unit.name, "settings": dict(unit.settings)}
    content = to_json({**facts, "measures": dict(measures)}).encode()
    write_once(store, f"{folder}/{stem}.{number:02d}.json", content, lock)


def write_absent(store: Store, run: RunId, absent: Mapping[str, str], arrivals: int, lock: StudyLock) -> None:
    """Keep which units have no data on this machine, in place of what was so before; raises `TakenOver`.

    `arrivals` counts how often data of further units came after trials had ended.
    """
    facts = {"version": VERSION, "token": lock.token, "absent": dict(absent), "arrivals": arrivals}
    content = to_json(facts).encode()
    write_fenced(store, absent_path(run), content, lock)


def _read(store: Store, path: str) -> dict[str, Any]:
    content = store.read(path)
    try:
        facts: dict[str, Any] = json.loads(content)
        if facts["version"] > VERSION:
            raise ValueError(f"it was written by a later version of saddle ({facts['version']})")
        return facts
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{store.locate(path)} is damaged ({error}); it says what was measured of the units of a relation."
            " Restore it, or delete it, and the next run measures it again"
        ) from error


def _numbers(measures: Any) -> dict[str, float]:
    return {str(name): float(value) for name, value in measures.items()}


def lacking(names: Sequence[str], facts: UnitFacts, unit: RelationUnit) -> list[str]:
    """Those of the named measures that were not taken of a unit yet."""
    return [name for name in names if name not in facts.measures.get(unit.name, {})]
