"""All studies of a storage in rows, read again only where something may have happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from saddle.archive.overview import Overview, read_overview
from saddle.archive.progress import progress_path
from saddle.archive.studies import run_names
from saddle.errors import UserError
from saddle.report.summary import summary_path
from saddle.serve.watched.nights import WatchedNightly, read_nightlies
from saddle.store.base import Store
from saddle.store.parallel import in_parallel
from saddle.trial.run_id import RunId

Etags = tuple[str | None, str | None]


@dataclass(frozen=True)
class WatchedStorage:
    """The runs of a storage at one moment, those that run first, then the latest ones; and its nightlies."""

    runs: Sequence[Overview]
    nightlies: Sequence[WatchedNightly] = ()

    @property
    def present(self) -> list[Overview]:
        """The runs that were not set aside."""
        return [run for run in self.runs if not run.run.is_set_aside]

    @property
    def set_aside(self) -> list[Overview]:
        """The runs that `--fresh` or a night has set aside."""
        return [run for run in self.runs if run.run.is_set_aside]


@dataclass
class StorageReader:
    """Reads the rows of a storage again and again."""

    store: Store
    _known: dict[str, tuple[Etags, Overview]] = field(default_factory=dict)

    def read(self) -> WatchedStorage:
        """The storage now."""
        names = run_names(self.store)
        self._known = {name: known for name, known in self._known.items() if name in names}
        runs = list(in_parallel(self.store, self._row, names))
        return WatchedStorage(sorted(runs, key=place), self._nightlies())

    def _row(self, name: str) -> Overview:
        """The row of a run, unless nothing was stored since and it did not run then."""
        run = RunId.stored(name)
        try:
            etags = self.store.etag(progress_path(run)), self.store.etag(summary_path(run))
        except UserError:
            return read_overview(self.store, name)
        known = self._known.get(name)
        if known is None or known[0] != etags or known[1].progress.state == "running":
            self._known[name] = known = (etags, read_overview(self.store, name))
        return known[1]

    def _nightlies(self) -> Sequence[WatchedNightly]:
        try:
            return read_nightlies(self.store)
        except UserError:  # damaged, which `saddle nightly` says
            return ()


def place(run: Overview) -> tuple[bool, float]:
    """The position of a run in a list."""
    return not run.state.running, -run.progress.updated
