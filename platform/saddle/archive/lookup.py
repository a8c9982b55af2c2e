"""From the name that a user gives of a study or a trial to what is stored."""

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
    studies = [study for study in in_file if study is not None]
    if studies:
        return studies
    raise NotFound(f"no study {name!r} in {store.url}; {_alternatives(store, name)}")


def find_run(store: Store, name: str) -> StoredStudy | None:
    """The run in the folder called `name`, else the one run that `STUDY@BEGINNING` matches; None if there is none.

    The beginning is that of a run's instance, or of the time at which it was set aside. Raises `NotFound` if it matches
    several.
    """
    stored = read_study(store, name) if RunId.is_name(name) else None
    study, mark, beginning = name.partition(MARK)
    if stored is not None or not mark or not beginning:
        return stored
    names = [run_name for run_name in run_names(store) if RunId.stored(run_name).study == study]
    runs = [run for run in map(partial(_readable, store), names) if run is not None]
    fitting = [
        run
        for run in runs
        if run.instance.startswith(beginning) or run.run.name.startswith(f"{study}{MARK}{beginning}")
    ]
    if len(fitting) > 1:
        listed = ", ".join(run.run.name for run in fitting)
        raise NotFound(f"{name!r} matches several runs: {listed}; give a longer name")
    return fitting[0] if fitting else None


def _alternatives(store: Store, name: str) -> str:
    """What is stored instead of the requested name, as a sentence."""
    aside = set_aside_names(store)
    if MARK not in name and (of_study := [run for run in aside if RunId.stored(run).study == name]):
        return f"set aside by --fresh are: {', '.join(of_study)}"
    names = aside if MARK in name else study_names(store)
    near = nearest(name, names)
    listed = f"{'set aside' if MARK in name else 'stored'} are: {', '.join(names)}"
    none = "it has no runs that were set aside" if MARK in name else "nothing has been run in it yet"
    return (f"did you mean {near}? " if near else "") + (listed if names else none)


def _readable(store: Store, name: str) -> StoredStudy | None:
    """The run, or None where its files are damaged, which is reported if its whole name is given."""
    try:
        return read_study(store, name)
    except UserError:
        return None


def find_study(store: Store, name: str) -> StoredStudy:
    """The one stored study called `name`; raises `NotFound` if a file holds several."""
    studies = find_studies(store, name)
    if len(studies) > 1:
        names = ", ".join(stored.run.name for stored in studies)
        raise NotFound(f"{name!r} holds several studies; name one of {names}")
    return studies[0]


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
    match = by_key.get(key) or by_number.get(key)
    if match is None:
        hint = nearest(key, by_key)
        raise NotFound(f"no finished trial {key!r} in {stored.run}" + (f"; did you mean {hint}?" if hint else ""))
    return FoundTrial(stored, match)


def _best(stored: StoredStudy, entries: Sequence[TrialRecord]) -> TrialRecord:
    best = best_trial(stored.study, stored.declared, entries)
    if best is None:
        raise NotFound(f"{stored.run} has no completed trial that meets its constraints")
    return best


def _is_file(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))
