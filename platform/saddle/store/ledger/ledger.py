"""The ledger: one immutable Parquet file per finished trial, from which all else can be derived."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from saddle.errors import LaterVersion, TakenOver
from saddle.store.base import Conflict, Store
from saddle.store.checkpoint.measurements import read_measurements, with_measurements
from saddle.store.ledger.ledger_index import Segment, read_segments, write_index
from saddle.store.ledger.record_parquet import Parser, decode, encode, records_in
from saddle.store.open import study_folder
from saddle.store.parallel import in_parallel
from saddle.store.run_files.checks import checks_path, read_checks, with_checks
from saddle.trial.json_text import to_json
from saddle.trial.record import SCHEMA_VERSION, TrialRecord
from saddle.trial.run_id import RunId

__all__ = ["LaterVersion", "Ledger", "decode", "encode", "to_json"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ledger:
    """All finished trials of one run of a study."""

    store: Store
    run: RunId

    @property
    def folder(self) -> str:
        return f"{study_folder(self.run)}/ledger"

    def path(self, key: str) -> str:
        return f"{self.folder}/{key}.parquet"

    def add(self, entry: TrialRecord) -> None:
        """Write the entry, whole or not at all, and once: the same again changes nothing.

        Raises `TakenOver` if the trial has another one, unless a driver wrote it that had been taken for
        dead before we began: ours replaces it.
        """
        content = encode(with_relative_paths(entry, self.run))
        try:
            self.store.write_if(self.path(entry.key), content, None)
        except Conflict:
            self._replace_stale(entry, content)

    def _replace_stale(self, entry: TrialRecord, content: bytes) -> None:
        present, etag = self.store.fetch(self.path(entry.key))
        other = decode(present, self.path(entry.key))
        if (other.token or 0) >= (entry.token or 0):
            raise TakenOver(
                f"another driver has ended {entry.key} of {self.run.name} differently; the ledger's entry is kept "
                f"({other.outcome}, not {entry.outcome}), and no finished trial is lost"
            )
        log.warning("%s was written by a driver that had lost the study; it is replaced", self.path(entry.key))
        try:
            self.store.write_if(self.path(entry.key), content, etag)
        except Conflict:
            raise TakenOver(f"another driver is ending {entry.key} of {self.run.name} at the moment") from None

    def set_aside(self, key: str) -> None:
        """Move an entry out of the ledger, to where no command reads it."""
        content, etag = self.store.fetch(self.path(key))
        aside = f"{study_folder(self.run)}/set-aside/{time.strftime('%Y%m%dT%H%M%S')}-{key}.parquet"
        log.warning("%s is not a trial of this study; it is kept as %s", self.path(key), aside)
        self.store.write(aside, content)
        self.store.delete_if(self.path(key), etag)

    def remove(self, key: str) -> None:
        """Forget a trial, so that it is run again (`--retry`); raises `TakenOver` if another driver wrote it."""
        etag = self.store.etag(self.path(key))
        self.store.delete(checks_path(self.run, key))
        try:
            if etag is not None:
                self.store.delete_if(self.path(key), etag)
        except Conflict:
            raise TakenOver(f"another driver is writing {key} of {self.run.name} at the moment") from None

    def index(self) -> None:
        """Let readers read many entries together (see `ledger_index`); only for the holder of the study's lock."""
        write_index(self.store, self.run, self.folder)

    def __contains__(self, key: str) -> bool:
        return self.store.exists(self.path(key))

    def keys(self) -> list[str]:
        """The keys of all entries, which are not read."""
        return [name.removesuffix(".parquet") for name in self.store.names(self.folder)]

    def get(self, key: str) -> TrialRecord:
        """The entry of one trial; raises `FileNotFoundError`."""
        entry = decode(self.store.read(self.path(key)), self.path(key), Parser(self.run))
        entry = with_measurements(entry, read_measurements(self.store, self.run, key).get(key, ()))
        return with_checks(entry, read_checks(self.store, self.run, [key]))

    def __iter__(self) -> Iterator[TrialRecord]:
        records: dict[str, TrialRecord] = {}
        etags = self.store.etags(self.folder)
        parser = Parser(self.run)
        for segment in read_segments(self.store, self.run):
            records |= indexed(segment, {name: stamp for name, stamp in etags.items() if name not in records}, parser)
        rest = [name for name in etags if name not in records]
        for name, content in zip(rest, in_parallel(self.store, self._content, rest), strict=True):
            if content is not None:
                records[name] = decode(content, f"{self.folder}/{name}", parser)
        checks, measured = read_checks(self.store, self.run), read_measurements(self.store, self.run)
        for name in etags:
            if name in records:
                yield with_checks(with_measurements(records[name], measured.get(records[name].key, ())), checks)

    def sample(self, count: int) -> list[TrialRecord]:
        """At most `count` entries, spread evenly over the names of all, without later measurements."""
        names = list(self.store.names(self.folder))
        selected = names[:: max(1, -(-len(names) // count))]
        parser, contents = Parser(self.run), in_parallel(self.store, self._content, selected)
        return [
            decode(content, f"{self.folder}/{name}", parser)
            for name, content in zip(selected, contents, strict=True)
            if content is not None
        ]

    def _content(self, name: str) -> bytes | None:
        try:
            return self.store.read(f"{self.folder}/{name}")
        except FileNotFoundError:
            return None  # removed since, to be run again

    def entries(self) -> list[TrialRecord]:
        """All entries: a search's by number, an ablation's as they were run."""
        return sorted(self, key=lambda e: (e.number if e.number is not None else -1, e.started, e.key))


def indexed(segment: Segment, etags: Mapping[str, str], parser: Parser) -> dict[str, TrialRecord]:
    """The entries that a segment holds as their files are now, by the files' names."""
    names = segment.fresh(etags)
    try:
        return dict(zip(names, records_in(segment.rows(names), segment.path, parser), strict=True)) if names else {}
    except (KeyError, TypeError, ValueError):
        return {}  # nothing that we wrote; the files themselves say what it should have said


def with_relative_paths(entry: TrialRecord, run: RunId) -> TrialRecord:
    """The entry as its file holds it: paths relative to the run's folder, which `--fresh` renames."""
    checkpoints = {name: run.below(path) for name, path in entry.checkpoints.items()}
    return replace(
        entry,
        progress=replace(entry.progress, checkpoints=checkpoints),
        measurement=entry.measurement.with_paths(run.below),
        version=max(entry.version, SCHEMA_VERSION),
    )
