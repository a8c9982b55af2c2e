"""From what a user calls a study or a trial to what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from saddle.analyse.best import best_trial
from saddle.analyse.searches.chance_and_ties import why_search_has_no_best
from saddle.archive.studies import StoredStudy, read_study, run_names, set_aside_names, study_names
from saddle.errors import NotFound, StudyError, UserError
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.study.nearest import nearest
from saddle.studyfile.loader import load_studies
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import MARK, RunId


@dataclass(frozen=True)
class FoundTrial:
    """A stored trial with its study."""

    stored: StoredStudy
    entry: TrialRecord
    doubt: str = ""
    """Why the study calls no trial the best, where this one was picked as that; in words."""

    @property
    def name(self) -> str:
        return f"{self.stored.run}/{self.entry.key}"


def find_studies(store: Store, name: str) -> list[StoredStudy]:
    """The stored run called `name` (see `find_run`), else those of the studies of the file or packaged study `name`.

    Raises `NotFound` naming the nearest stored one.
    """
    stored = find_run(store, name)
    if stored is not None:
        return [stored]
    try:
        in_file = [read_study(store, study.study) for study in load_studies(name, stored=True)]
    except StudyError:
        in_file = []
    found = [study for study in in_file if study is not None]
    if found:
        return found
    raise NotFound(f"no study {name!r} in {store.url}; {_alternatives(store, name)}")


def find_run(store: Store, name: str) -> StoredStudy | None:
    """The run in the folder called `name`, else the one run that `STUDY@BEGINNING` fits; None if there is none.

    The beginning is that of a run's instance, or of the time at which it was set aside. Raises `NotFound` if it fits
    several.
    """
    stored = read_study(store, name) if RunId.is_name(name) else None
    study, mark, beginning = name.partition(MARK)
    if stored is not None or not mark or not beginning:
        return stored
    names = [known for known in run_names(store) if RunId.stored(known).study == study]
    runs = [known for known in map(partial(_readable, store), names) if known is not None]
    fitting = [
        known
        for known in runs
        if known.instance.startswith(beginning) or known.run.name.startswith(f"{study}{MARK}{beginning}")
    ]
    if len(fitting) > 1:
        listed = ", ".join(known.run.name for known in fitting)
        raise NotFound(f"{name!r} matches several runs: {listed}; give a longer name")
    return fitting[0] if fitting else None


def _alternatives(store: Store, name: str) -> str:
    """What is stored instead of what was asked for, as a sentence."""
    aside = set_aside_names(store)
    if MARK not in name and (of_study := [run for run in aside if RunId.stored(run).study == name]):
        return f"set aside by --fresh are: {', '.join(of_study)}"
    known = aside if MARK in name else study_names(store)
    near = nearest(name, known)
    listed = f"{'set aside' if MARK in name else 'stored'} are: {', '.join(known)}"
    none = "it has no runs that were set aside" if MARK in name else "nothing has been run in it yet"
    return (f"did you mean {near}? " if near else "") + (listed if known else none)


def _readable(store: Store, name: str) -> StoredStudy | None:
    """The run, or None where what is stored of it is damaged, which is said where its whole name is asked for."""
    try:
        return read_study(store, name)
    except UserError:
        return None


def find_study(store: Store, name: str) -> StoredStudy:
    """The one stored study called `name`; raises `NotFound` if a file holds several."""
    found = find_studies(store, name)
    if len(found) > 1:
        names = ", ".join(stored.run.name for stored in found)
        raise NotFound(f"{name!r} holds several studies; name one of {names}")
    return found[0]


def find_trial(store: Store, name: str, trial: str | None = None) -> FoundTrial:
    """The trial `STUDY/TRIAL`, or a study's best one; raises `NotFound`."""
    study_name, _, key = name.partition("/") if not _is_file(name) else (name, "", "")
    stored = find_study(store, study_name)
    return pick_trial(stored, Ledger(store, stored.run).entries(), trial or key)


def pick_trial(stored: StoredStudy, entries: Sequence[TrialRecord], key: str | None) -> FoundTrial:
    """The trial of this key or number among a study's entries, its best one without; raises `NotFound`."""
    if not key:
        doubt = why_search_has_no_best(stored.study, stored.declared, entries)
        return FoundTrial(stored, _best(stored, entries), doubt)
    by_key = {entry.key: entry for entry in entries}
    by_number = {str(entry.number): entry for entry in entries if entry.number is not None}
    found = by_key.get(key) or by_number.get(key)
    if found is None:
        hint = nearest(key, by_key)
        raise NotFound(f"no finished trial {key!r} in {stored.run}" + (f"; did you mean {hint}?" if hint else ""))
    return FoundTrial(stored, found)


def _best(stored: StoredStudy, entries: Sequence[TrialRecord]) -> TrialRecord:
    found = best_trial(stored.study, stored.declared, entries)
    if found is None:
        raise NotFound(f"{stored.run} has no completed trial that meets its constraints")
    return found


def _is_file(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))
