"""The ledger by itself: whether every entry can be read, and is one of a trial that the study has."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from saddle.analyse.answering import arms_of_study
from saddle.archive.studies import StoredStudy
from saddle.design.arms import replicates
from saddle.search.begun import number_of
from saddle.store.base import StorageError, Store
from saddle.store.entry import Entry
from saddle.store.ledger import LaterVersion, Ledger, decode
from saddle.verify.difference import Difference, Repair


@dataclass(frozen=True)
class ReadLedger:
    """The entries that can be used, and the keys of those that can't."""

    entries: Sequence[Entry]
    unusable: Container[str]
    differences: Sequence[Difference]


def read_ledger(store: Store, study: str, stored: StoredStudy | None) -> ReadLedger:
    """Read every file of the ledger; without the study file nothing is known of which trials there should be."""
    ledger = Ledger(store, study)
    expected = replicate_keys(stored) if stored is not None else None
    entries: list[Entry] = []
    unusable: set[str] = set()
    found: list[Difference] = []
    for name in store.names(ledger.folder):
        path, key = f"{ledger.folder}/{name}", name.removesuffix(".parquet")
        try:
            entry = decode(store.read(path), path)
        except FileNotFoundError:
            continue  # removed since
        except LaterVersion as error:
            unusable.add(key)
            found.append(Difference("ledger", key, f"{error}; a newer saddle wrote it"))
            continue
        except (StorageError, KeyError, TypeError, ValueError) as error:
            unusable.add(key)
            found.append(Difference("ledger", key, f"the entry is damaged: {error}", Repair.SET_ASIDE, (path,)))
            continue
        problem = misplaced(entry, key, study, stored, expected)
        if problem is None:
            entries.append(entry)
            continue
        copy = entry.key != key and ledger.path(entry.key) != path and entry.key in ledger
        found.append(Difference("ledger", key, problem, Repair.SET_ASIDE if copy else Repair.NONE, (path,)))
    return ReadLedger(entries, unusable, found)


def replicate_keys(stored: StoredStudy) -> set[str] | None:
    """The keys of all replicates of an ablation; None for a search, whose keys are numbers."""
    if stored.study.ablation is None:
        return None
    arms = arms_of_study(stored.study, stored.baseline)
    return {replicate.key for replicate in replicates(arms, stored.study.ablation.seed_list)}


def misplaced(
    entry: Entry, key: str, study: str, stored: StoredStudy | None, expected: Container[str] | None
) -> str | None:
    """Why an entry does not belong where it is, or None."""
    if entry.key != key:
        return f"the file {key}.parquet holds the entry of {entry.key}"
    if entry.study != study:
        return f"the entry is one of the study {entry.study}"
    if stored is None:
        return None
    if expected is not None:
        return None if key in expected else "no replicate of the study has this key"
    if number_of(key) is None or number_of(key) != entry.number:
        return f"no trial of the search has this key with the number {entry.number}"
    return None
