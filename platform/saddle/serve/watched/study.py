"""A study while it is watched: what its driver last said, its ledger, and the manifests of running trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from saddle.analyse.arms.added_arms import added_labels
from saddle.analyse.arms.effect import LATER
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import Scale, setting
from saddle.archive.progress import Progress
from saddle.archive.studies import StoredStudy, read_study
from saddle.archive.study_status import StudyState, read_state
from saddle.errors import NotFound, StorageError
from saddle.execute.stop_request import is_asked_to_stop
from saddle.report.summary import Summary, read_summary, summarise
from saddle.search.unfinished import read_settings
from saddle.serve.watched.trial_lines import PLANNED, TrialLine, by_arm, ended_line, planned_lines, running_line
from saddle.store.base import Store
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.checkpoint.measurements import measurements_folder
from saddle.store.ledger.ledger import Ledger
from saddle.store.open import study_folder
from saddle.store.parallel import in_parallel
from saddle.store.run_files.checks import checks_folder
from saddle.store.run_files.notes import Note, read_notes
from saddle.study.seeds import SEARCH_SEED
from saddle.trial.progress import TrialProgress
from saddle.trial.run_id import RunId
from saddle.trial.spec import TrialSpec


@dataclass(frozen=True)
class WatchedStudy:
    """A study at one moment; `summary` is None until it is finished, `stopping` while it was asked to stop."""

    stored: StoredStudy
    state: StudyState
    results: StudyResults
    lines: Sequence[TrialLine]
    summary: Summary | None = None
    stopping: bool = False
    notes: Sequence[Note] = ()

    @property
    def progress(self) -> Progress:
        """What its driver last said."""
        return self.state.progress

    @property
    def scale(self) -> Scale:
        """How values of the metric that chooses checkpoints are written."""
        return Scale.of(self.stored.declared.metric(self.metric))

    @property
    def metric(self) -> str:
        """The metric that chooses checkpoints."""
        return self.progress.metric or self.stored.declared.selection

    @cached_property
    def arms(self) -> Sequence[tuple[str, list[TrialLine]]]:
        """The lines of each arm; none of a search."""
        return [] if self.stored.study.search is not None else list(by_arm(self.lines))

    @cached_property
    def marks(self) -> Mapping[str, str]:
        """The suffix of names of arms that were added after results could be seen."""
        return dict.fromkeys(added_labels(self.stored.arms, self.stored.history), LATER)

    @property
    def is_training(self) -> bool:
        """Whether a driver still trains it; one that writes the report does not."""
        return self.state.running and self.progress.state == "running"

    @property
    def running(self) -> list[TrialLine]:
        """The running trials."""
        return [line for line in self.lines if not line.has_ended and line.state != PLANNED]

    @property
    def ended(self) -> list[TrialLine]:
        """The trials in the ledger."""
        return [line for line in self.lines if line.has_ended]


@dataclass
class StudyReader:
    """Reads one study again and again; what is the same as before is kept."""

    store: Store
    name: str
    _stored: tuple[str | None, StoredStudy] | None = None
    _results: tuple[Any, StudyResults] | None = None
    _settings: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def read(self) -> WatchedStudy:
        """The study now. Raises `NotFound` if there is none, `UserError` if it can't be read."""
        stored = self._read_stored()
        state = read_state(self.store, stored.run)
        results = self._read_results(stored)
        finished = state.progress.state == "finished"
        summary = (read_summary(self.store, stored.run) or summarise(results)) if finished else None
        stopping = state.running and is_asked_to_stop(self.store, stored.run)
        lines, notes = self._lines(stored, state.progress, results), read_notes(self.store, stored.run)
        return WatchedStudy(stored, state, results, lines, summary, stopping, notes)

    def _read_stored(self) -> StoredStudy:
        if not RunId.is_name(self.name):
            raise NotFound(f"{self.name!r} can't be the name of a study")
        etag = self.store.etag(f"{study_folder(RunId.stored(self.name))}/study.yaml")
        if self._stored is None or self._stored[0] != etag:
            stored = read_study(self.store, self.name)
            if stored is None:
                raise NotFound(f"no study {self.name!r} in {self.store.url}")
            self._stored, self._results = (etag, stored), None
        return self._stored[1]

    def _read_results(self, stored: StoredStudy) -> StudyResults:
        folders = (Ledger(self.store, stored.run).folder, measurements_folder(stored.run), checks_folder(stored.run))
        etags = [dict(self.store.etags(folder)) for folder in folders]
        if self._results is None or self._results[0] != etags:
            self._results = (etags, stored.read_results(self.store))
        return self._results[1]

    def _lines(self, stored: StoredStudy, progress: Progress, results: StudyResults) -> list[TrialLine]:
        planned = planned_lines(stored, results.arm_names)
        ended = {
            record.key: ended_line(
                record, progress.metric or stored.declared.selection,
                planned[record.key].arm if record.key in planned else (results.name_of_arm(record) or ""),
                self._described(record.settings) if record.arm is None else "",
            )
            for record in results.records
        }  # fmt: skip
        under_way = [key for key in progress.running if key not in ended]
        running = zip(
            under_way, in_parallel(self.store, lambda key: self._curve(stored.run, key), under_way), strict=True
        )
        now = {
            key: running_line(key, progress, curve, planned.get(key) or self._drawn(stored.run, key))
            for key, curve in running
        }
        every = {**planned, **now, **ended}  # arms in the order of the plan, a search's trials as they were drawn
        return list(every.values())

    def _curve(self, run: RunId, key: str) -> Sequence[Mapping[str, float]]:
        """The curve so far, as the trial's worker wrote it."""
        try:
            return trial_progress(self.store, TrialSpec(key, run, {}, SEARCH_SEED)).curve
        except (OSError, StorageError):  # it is being replaced or removed at this moment
            return ()

    def _drawn(self, run: RunId, key: str) -> TrialLine:
        """The line of a search's running trial, by what was drawn for it."""
        if key not in self._settings:
            self._settings[key] = read_settings(self.store, run, key) or {}
        return TrialLine(key, key, PLANNED, settings=self._described(self._settings[key]))

    @staticmethod
    def _described(settings: Mapping[str, Any]) -> str:
        return ", ".join(f"{name} = {setting(value)}" for name, value in settings.items())


def trial_progress(store: Store, spec: TrialSpec) -> TrialProgress:
    """How far a running trial has come, by its manifest."""
    return Checkpoints.of_trial(store, spec.run, spec.key).progress(spec)
