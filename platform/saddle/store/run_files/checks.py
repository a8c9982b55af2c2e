"""The checklist's findings about a trial: a file next to the ledger, whose entries never change."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, get_args

from saddle.errors import StorageError
from saddle.store.base import Store
from saddle.store.open import study_folder
from saddle.store.ownership.fence import StudyLock, write_fenced
from saddle.store.parallel import in_parallel
from saddle.store.paths import is_name
from saddle.trial.json_text import to_json
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from trainables.contract import CheckItem, CheckVerdict

VERSION = 1

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredChecks:
    """The items of one trial; `ended` distinguishes the checked trial from one that was run again."""

    ended: float
    items: tuple[CheckItem, ...]


def checks_folder(run: RunId) -> str:
    """Where the checklists of a run's trials are stored."""
    return f"{study_folder(run)}/checks"


def checks_path(run: RunId, key: str) -> str:
    """The path of the checklist of one trial."""
    return f"{checks_folder(run)}/{key}.json"


def write_checks(store: Store, run: RunId, entry: TrialRecord, items: Sequence[CheckItem], lock: StudyLock) -> None:
    """Store the checklist's findings about a trial, in place of earlier ones; raises `TakenOver`."""
    content = {"version": VERSION, "ended": entry.ended, "items": [asdict(item) for item in items]}
    write_fenced(store, checks_path(run, entry.key), to_json(content).encode(), lock)


def read_checks(store: Store, run: RunId, keys: Iterable[str] | None = None) -> dict[str, StoredChecks]:
    """The checklists of these trials, or of all; one that is damaged is left out, for it can be made again."""
    names = [f"{key}.json" for key in keys] if keys is not None else list(store.names(checks_folder(run)))
    names = [name for name in names if name.endswith(".json") and is_name(name.removesuffix(".json"))]
    contents = in_parallel(store, lambda name: _read(store, f"{checks_folder(run)}/{name}"), names)
    stored = zip(names, contents, strict=True)
    return {name.removesuffix(".json"): checks for name, checks in stored if checks is not None}


def with_checks(entry: TrialRecord, checks: Mapping[str, StoredChecks]) -> TrialRecord:
    """The entry with the findings of its checklist, unless they are about an earlier trial with its key."""
    items = checks.get(entry.key)
    return entry if items is None or items.ended != entry.ended else replace(entry, checks=items.items)


def _read(store: Store, path: str) -> StoredChecks | None:
    try:
        content = json.loads(store.read(path))
        if content["version"] > VERSION:
            log.warning("%s was written by a later version of saddle and is left out", store.locate(path))
            return None
        return StoredChecks(content["ended"], tuple(_item(values) for values in content["items"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, StorageError) as error:
        log.warning("the checklist %s is damaged (%s); `saddle check` recreates it", store.locate(path), error)
        return None


def _item(values: Mapping[str, Any]) -> CheckItem:
    """An item of a file, whose numbers that were not finite are null there."""
    numbers = {name: math.nan if value is None else float(value) for name, value in values["numbers"].items()}
    if values["verdict"] not in get_args(CheckVerdict):
        raise ValueError(f"{values['verdict']!r} is not a verdict")
    return CheckItem(str(values["item"]), values["verdict"], numbers, str(values["says"]))
