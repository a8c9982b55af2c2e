"""A stored run in a row: what it asks, how far it is, and its result, without computing its answer again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saddle.analyse.text.formatting import Scale
from saddle.archive.progress import Progress
from saddle.archive.studies import StoredStudy, read_study
from saddle.archive.study_status import StudyState, read_state
from saddle.errors import UserError
from saddle.report.summary import Summary, read_summary, summarise
from saddle.store.base import Store
from saddle.store.run_files.notes import Note, read_notes, tags_in
from saddle.trial.run_id import RunId


@dataclass(frozen=True)
class Overview:
    """One run: `stored` is None, and `trouble` says why, if it can't be read.

    `summary` is None unless the study is finished: until then no verdict is final.
    """

    run: RunId
    state: StudyState
    stored: StoredStudy | None = None
    summary: Summary | None = None
    trouble: str = ""
    notes: Sequence[Note] = ()

    @property
    def progress(self) -> Progress:
        """What its driver last said."""
        return self.state.progress

    @property
    def verdict(self) -> str:
        """Its result in a few words; empty before it is finished."""
        return "" if self.summary is None else self.summary.verdict

    @property
    def best(self) -> str:
        """`51.6 % (trial-00003)`, the best value so far; empty if no trial is called the best."""
        progress = self.progress
        if progress.best is None or progress.no_best or self.stored is None:
            return ""
        scale = Scale.of(self.stored.declared.metric(progress.metric))
        return f"{scale.value(progress.best)} ({progress.best_trial})"

    @property
    def tags(self) -> Sequence[str]:
        """The tags that were given to it, its arms and its trials."""
        return tags_in(self.notes)

    def facts(self) -> Mapping[str, Any]:
        """The row as plain data for JSON; `updated` is in Unix seconds."""
        progress, stored = self.progress, self.stored
        has_best = progress.best is not None and not progress.no_best
        return {
            "study": self.run.name,
            "kind": None if stored is None else stored.study.kind,
            "set_aside": self.run.is_set_aside,
            "state": progress.state,
            "done": progress.done,
            "total": progress.total,
            "outcomes": progress.outcomes,
            "tags": self.tags,
            "notes": [note.line for note in self.notes],
            "updated": progress.updated if progress.state not in ("unknown", "not started") else None,
            "metric": progress.metric or None,
            "best": progress.best if has_best else None,
            "best_trial": progress.best_trial if has_best else None,
            "verdict": self.verdict or None,
            "question": f"can't be read: {self.trouble}" if stored is None else stored.study.question,
        }


def read_overview(store: Store, name: str) -> Overview:
    """The run in the folder called `name`; what is wrong with one that can't be read is in its `trouble`."""
    run = RunId.stored(name)
    notes = read_notes(store, run)
    try:
        state = read_state(store, run)
    except UserError as error:  # its lock is a link, or its lease can't be reached
        return Overview(run, StudyState(Progress(name, state="unknown"), None), trouble=str(error), notes=notes)
    try:
        stored = read_study(store, name)
        if stored is None:
            return Overview(run, state, trouble="it is gone", notes=notes)
        return Overview(run, state, stored, _summary(store, stored, state), notes=notes)
    except UserError as error:
        return Overview(run, state, trouble=str(error), notes=notes)


def _summary(store: Store, stored: StoredStudy, state: StudyState) -> Summary | None:
    """The stored summary of a finished study, or one that is computed if an older saddle wrote none."""
    if state.progress.state != "finished":
        return None
    return read_summary(store, stored.run) or summarise(stored.read_results(store))
