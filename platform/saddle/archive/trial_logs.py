"""What the trials of a stored run printed, finished or running, and what they print from now on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from saddle.archive.progress import read_progress
from saddle.archive.studies import StoredStudy
from saddle.errors import NotFound
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.store.open import study_folder
from saddle.store.run_files.trial_output import lines_after, outputs_of, read_output
from saddle.study.nearest import nearest
from saddle.trial.outcome import FAILURES
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId


@dataclass(frozen=True)
class TrialLog:
    """All that one trial printed, and how it ended."""

    key: str
    parts: Sequence[tuple[str, str]]
    """For each attempt and rank, when it began and its text."""
    record: TrialRecord | None = None
    """None while it is running."""

    @property
    def reason(self) -> str:
        """Why it failed, with the traceback; empty if it did not."""
        return self.record.why if self.record is not None and self.record.outcome in FAILURES else ""


def find_key(store: Store, stored: StoredStudy, name: str) -> str:
    """The key of the trial called `name`, its key or number, also of a running one; raises `NotFound`."""
    entries = Ledger(store, stored.run).entries()
    by_number = {str(entry.number): entry.key for entry in entries if entry.number is not None}
    keys = [*(entry.key for entry in entries), *under_way(store, stored.run)]
    if name in keys:
        return name
    if name in by_number:
        return by_number[name]
    hint = nearest(name, keys)
    raise NotFound(f"no trial {name!r} in {stored.run}" + (f"; did you mean {hint}?" if hint else ""))


def under_way(store: Store, run: RunId) -> list[str]:
    """The keys of trials that have left something in the storage, or that the driver reports as running."""
    progress = read_progress(store, run)
    return [*store.names(f"{study_folder(run)}/trials"), *(progress.running if progress is not None else ())]


def read_log(store: Store, run: RunId, key: str, record: TrialRecord | None = None) -> TrialLog:
    """What a trial has printed so far."""
    parts = [(output.heading, read_output(store, output)) for output in outputs_of(store, run, key)]
    return TrialLog(key, parts, record)


def logs_of(store: Store, stored: StoredStudy, key: str | None = None) -> Iterator[TrialLog]:
    """The logs of a run's trials, or of one of them; trials that printed nothing and did not fail are left out."""
    records = {entry.key: entry for entry in Ledger(store, stored.run).entries()}
    keys = [key] if key is not None else list(dict.fromkeys([*records, *under_way(store, stored.run)]))
    for trial_key in keys:
        log = read_log(store, stored.run, trial_key, records.get(trial_key))
        if log.parts or log.reason:
            yield log


@dataclass
class LogFollower:
    """Reads what trials have printed since the last call."""

    store: Store
    run: RunId
    key: str | None = None
    """The only trial to follow; without it all that run."""
    _shown: dict[str, list[str]] = field(default_factory=dict)
    _watched: set[str] = field(default_factory=set)

    def look(self) -> Iterator[tuple[str, str]]:
        """Each new whole line with the key of its trial."""
        progress = read_progress(self.store, self.run)
        running = set(progress.running if progress is not None else ())
        # once more after its end, as its last output is stored just before
        for key in [self.key] if self.key is not None else sorted(running | self._watched):
            for output in outputs_of(self.store, self.run, key):
                text = read_output(self.store, output)
                lines = text[: text.rfind("\n") + 1].splitlines()
                for line in lines_after(self._shown.get(output.path, []), lines):
                    yield key, line
                self._shown[output.path] = lines
        self._watched = running
