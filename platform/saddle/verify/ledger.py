"""The ledger by itself: whether every entry can be read, and is one of a trial that the study has."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from saddle.analyse.remaining_replicates import needs_of
from saddle.archive.studies import StoredStudy
from saddle.design import replicates_of_study
from saddle.errors import StorageError
from saddle.search.unfinished import number_of
from saddle.store.base import Store
from saddle.store.checkpoint.measurements import read_measurements, with_measurements
from saddle.store.ledger.ledger import LaterVersion, Ledger, decode
from saddle.store.ledger.ledger_index import Segment, read_segments
from saddle.store.ledger.record_parquet import Parser, records_in
from saddle.store.run_files.checks import read_checks, with_checks
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from saddle.verify.difference import Difference, Repair


@dataclass(frozen=True)
class ReadLedger:
    """The entries that can be used, and the keys of those that can't."""

    entries: Sequence[TrialRecord]
    unusable: Container[str]
    differences: Sequence[Difference]


def read_ledger(store: Store, run: RunId, stored: StoredStudy | None) -> ReadLedger:
    """Read every file of the ledger; without the study file it is not known which trials there should be."""
    ledger = Ledger(store, run)
    expected = replicate_keys(stored) if stored is not None else None
    entries: list[TrialRecord] = []
    unusable: set[str] = set()
    differences: list[Difference] = []
    on_disk: dict[str, TrialRecord] = {}
    measured = read_measurements(store, run, damaged=lambda path, why: differences.append(unreadable(path, why)))
    for name in store.names(ledger.folder):
        path, key = f"{ledger.folder}/{name}", name.removesuffix(".parquet")
        try:
            alone = decode(store.read(path), path, Parser(run))
            entry = with_measurements(alone, measured.get(key, ()))
            _ = entry.curve[:], entry.times[:]  # these stay text until they are used
        except FileNotFoundError:
            continue  # removed since
        except LaterVersion as error:
            unusable.add(key)
            differences.append(Difference("ledger", key, f"{error}; it was written by a newer saddle"))
            continue
        except (StorageError, KeyError, TypeError, ValueError) as error:
            unusable.add(key)
            differences.append(Difference("ledger", key, f"the entry is damaged: {error}", Repair.SET_ASIDE, (path,)))
            continue
        problem = misplaced(entry, key, run, stored, expected)
        if problem is None:
            entries.append(entry)
            on_disk[name] = alone
            continue
        copy = entry.key != key and ledger.path(entry.key) != path and entry.key in ledger
        differences.append(Difference("ledger", key, problem, Repair.SET_ASIDE if copy else Repair.NONE, (path,)))
    differences += index_troubles(ledger, on_disk)
    checks = read_checks(store, run)  # which MLflow's tags and the answer use
    return ReadLedger([with_checks(entry, checks) for entry in entries], unusable, differences)


def unreadable(path: str, why: str) -> Difference:
    """A measurement that can't be used, in whose place the one before it counts."""
    name = path.rpartition("/")[2]
    key = name.rpartition("-")[0]
    return Difference("ledger", key, f"the measurement {name} can't be used, the one before it counts: {why}")


def index_troubles(ledger: Ledger, by_name: Mapping[str, TrialRecord]) -> list[Difference]:
    """Segments of the index that can't be read, or that don't match an unchanged file.

    `by_name`: the entries in the ledger's files, without later measurements.
    """
    differences = []
    etags = ledger.store.etags(ledger.folder)
    for segment in read_segments(ledger.store, ledger.run):
        name = segment.path.rpartition("/")[2]
        if not ledger.store.exists(segment.path):
            continue  # replaced since by the driver
        if segment.etags is None:
            problem = f"the index {name} is damaged; the ledger's files are read instead"
        elif segment_differs(segment, etags, by_name, ledger.run):
            problem = f"the index {name} does not match the unchanged files"
        else:
            continue
        differences.append(Difference("ledger", None, problem, Repair.REINDEX, (segment.path,)))
    return differences


def segment_differs(segment: Segment, etags: Mapping[str, str], entries: Mapping[str, TrialRecord], run: RunId) -> bool:
    """Whether any row that would be used is not the entry in its file."""
    names = [name for name in segment.fresh(etags) if name in entries]
    try:
        rows = list(records_in(segment.rows(names), segment.path, Parser(run))) if names else []
    except (KeyError, TypeError, ValueError):
        return True
    return any(row != entries[name] for name, row in zip(names, rows, strict=True))


def replicate_keys(stored: StoredStudy) -> set[str] | None:
    """The keys of all replicates of an ablation or relation; None for a search, whose keys are numbers."""
    if stored.study.search is not None:
        return None
    return {replicate.key for replicate in replicates_of_study(stored.study, stored.arms)}


def needed_keys(stored: StoredStudy, entries: Sequence[TrialRecord]) -> set[str]:
    """The keys of those replicates that an answer needs.

    All of them, except those that a race was settled without, and those of a relation's units without data.
    """
    needs = needs_of(stored.study, stored.arms, entries, stored.declared)
    return {replicate.key for replicate in stored.replicates if needs(replicate)}


def misplaced(
    entry: TrialRecord, key: str, run: RunId, stored: StoredStudy | None, expected: Container[str] | None
) -> str | None:
    """Why an entry does not belong at its path, or None."""
    if entry.key != key:
        return f"the file {key}.parquet holds the entry of {entry.key}"
    if entry.study != run.study:
        return f"the entry is one of the study {entry.study}"
    if stored is None:
        return None
    if expected is not None:
        return None if key in expected else "no replicate of the study has this key"
    if number_of(key) is None or number_of(key) != entry.number:
        return f"no trial of the search has this key with the number {entry.number}"
    return None
