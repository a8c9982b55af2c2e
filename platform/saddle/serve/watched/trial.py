"""One trial as its page shows it, ended or running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from saddle.analyse.evaluation.badge import reasons_against
from saddle.archive.trial_logs import read_log
from saddle.errors import NotFound, StorageError
from saddle.external_names import unescape
from saddle.serve.watched.study import StudyReader, WatchedStudy, trial_progress
from saddle.serve.watched.trial_lines import TrialLine
from saddle.store.base import Store
from saddle.store.open import trial_folder
from saddle.study.seeds import SEARCH_SEED
from saddle.trial.record import TrialRecord
from saddle.trial.spec import TrialSpec

PNG = ".png"


@dataclass(frozen=True)
class WatchedTrial:
    """A trial at one moment; `pictures` are paths in the storage by name, `record` is None until it has ended."""

    study: WatchedStudy
    line: TrialLine
    record: TrialRecord | None
    curve: Sequence[Mapping[str, float]]
    pictures: Mapping[str, str]
    log: Sequence[tuple[str, str]] = ()
    flags: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def curve_metrics(self) -> list[str]:
        """The metrics that epochs report and people are to read, what chooses checkpoints first."""
        names = dict.fromkeys(name for epoch in self.curve for name in epoch)
        shown_names = [name for name in names if self.study.stored.declared.metric(name).shown]
        return sorted(shown_names, key=lambda name: (name != self.study.metric, not name.startswith("validation/")))


@dataclass
class TrialReader:
    """Reads one trial again and again."""

    reader: StudyReader
    key: str

    @property
    def store(self) -> Store:
        """Where the study is stored."""
        return self.reader.store

    def read(self) -> WatchedTrial:
        """The trial now; raises `NotFound` if the study has none of this key."""
        study = self.reader.read()
        line = next((line for line in study.lines if line.key == self.key), None)
        if line is None:
            raise NotFound(f"no trial {self.key!r} in {study.stored.run}")
        log = read_log(self.store, study.stored.run, self.key).parts
        record = study.results.by_key.get(self.key)
        if record is None:
            curve, pictures = self._under_way(study)
            return WatchedTrial(study, line, None, curve, pictures, log)
        flags = reasons_against(record, study.stored.declared)
        return WatchedTrial(study, line, record, record.curve, record.images, log, flags, record.params)

    def _under_way(self, study: WatchedStudy) -> tuple[Sequence[Mapping[str, float]], Mapping[str, str]]:
        """The curve and the pictures so far; none of a trial that is only planned."""
        run = study.stored.run
        try:
            curve = trial_progress(self.store, TrialSpec(self.key, run, {}, SEARCH_SEED)).curve
        except (OSError, StorageError):  # it is being replaced at this moment
            return (), {}
        folder = trial_folder(run, self.key)
        kinds = [name for name in self.store.names(folder) if name.partition("-")[0] == "images"]
        names = [(kind, name) for kind in kinds for name in self.store.names(f"{folder}/{kind}") if name.endswith(PNG)]
        return curve, {unescape(name.removesuffix(PNG)): f"{folder}/{kind}/{name}" for kind, name in names}
