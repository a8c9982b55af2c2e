"""From what a user calls a study or a trial to what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from saddle.analyse.best import best
from saddle.archive.studies import StoredStudy, read_study, study_names
from saddle.errors import UserError
from saddle.store.base import Store
from saddle.store.entry import Entry
from saddle.store.ledger import Ledger
from saddle.study.loader import load_studies
from saddle.study.models import Study
from saddle.study.problems import StudyError, nearest
from saddle.study.selection import selection_of
from saddle.study.trainables import load_trainable


class NotFound(UserError):
    """No study or trial of this name is stored."""


@dataclass(frozen=True)
class FoundTrial:
    """A stored trial with its study."""

    stored: StoredStudy
    entry: Entry

    @property
    def name(self) -> str:
        return f"{self.entry.study}/{self.entry.key}"


def find_studies(store: Store, name: str) -> list[StoredStudy]:
    """The stored study called `name`, else the stored studies of the file or packaged study `name`.

    Raises `NotFound` naming the nearest stored one.
    """
    stored = read_study(store, name) if _is_plain(name) else None
    if stored is not None:
        return [stored]
    try:
        in_file = [read_study(store, study.study) for study in load_studies(name)]
    except StudyError:
        in_file = []
    found = [study for study in in_file if study is not None]
    if found:
        return found
    known = study_names(store)
    hint = nearest(name, known)
    listed = f"stored are: {', '.join(known)}" if known else "nothing was run in it yet"
    raise NotFound(f"no study {name!r} in {store.url}; {f'did you mean {hint}? ' if hint else ''}{listed}")


def find_study(store: Store, name: str) -> StoredStudy:
    """The one stored study called `name`; raises `NotFound` where a file holds several."""
    found = find_studies(store, name)
    if len(found) > 1:
        names = ", ".join(stored.study.study for stored in found)
        raise NotFound(f"{name!r} holds several studies; name one of {names}")
    return found[0]


def find_trial(store: Store, name: str, trial: str | None = None) -> FoundTrial:
    """The trial `STUDY/TRIAL`, or a study's best one; raises `NotFound`."""
    study_name, _, key = name.partition("/") if not _is_file(name) else (name, "", "")
    stored = find_study(store, study_name)
    return pick_trial(stored, Ledger(store, stored.study.study).entries(), trial or key)


def pick_trial(stored: StoredStudy, entries: Sequence[Entry], key: str | None) -> FoundTrial:
    """The trial of this key or number among a study's entries, its best one without; raises `NotFound`."""
    if not key:
        return FoundTrial(stored, _best(stored.study, entries))
    by_key = {entry.key: entry for entry in entries}
    by_number = {str(entry.number): entry for entry in entries if entry.number is not None}
    found = by_key.get(key) or by_number.get(key)
    if found is None:
        hint = nearest(key, by_key)
        raise NotFound(
            f"no finished trial {key!r} in {stored.study.study}" + (f"; did you mean {hint}?" if hint else "")
        )
    return FoundTrial(stored, found)


def _best(study: Study, entries: Sequence[Entry]) -> Entry:
    objective = selection_of(study, load_trainable(study.trainable))
    found = best(entries, objective, study.constraints)
    if found is None:
        raise NotFound(f"{study.study} has no completed trial that keeps its constraints")
    return found


def _is_plain(name: str) -> bool:
    return "/" not in name and "\\" not in name and name not in (".", "..")


def _is_file(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))
