"""Which checkpoints of a study's finished trials stay, and a record of those that were removed."""

from __future__ import annotations

import json
import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from saddle.store.base import Store
from saddle.store.open import study_folder, trial_folder
from saddle.store.ownership.fence import NO_LOCK, StudyLock, write_fenced
from saddle.trial.json_text import to_json
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId

GIGABYTE = 10**9


class Policy(Protocol):
    """What a study file says under `checkpoints`; `best` and `gigabytes` are None if there is no limit."""

    @property
    def best(self) -> int | None: ...
    @property
    def last(self) -> bool: ...
    @property
    def gigabytes(self) -> float | None: ...


@dataclass(frozen=True)
class Removal:
    """A checkpoint that the policy gives up, and why."""

    trial: str
    path: str
    bytes: int
    why: str


@dataclass(frozen=True)
class Plan:
    """What the policy removes, and the bytes of what stays."""

    removals: Sequence[Removal]
    kept_bytes: int
    over: int = 0
    """Bytes beyond the limit that can't be given up: they are cited."""

    @property
    def bytes(self) -> int:
        """What is gained."""
        return sum(removal.bytes for removal in self.removals)


@dataclass(frozen=True)
class _File:
    trial: str
    path: str
    bytes: int
    selected: bool
    last: bool


def is_limited(policy: Policy) -> bool:
    """Whether the policy ever gives up a checkpoint."""
    return policy.best is not None or policy.gigabytes is not None or not policy.last


def plan_retention(
    store: Store, run: RunId, policy: Policy, ranked: Sequence[TrialRecord], cited: Container[str]
) -> Plan:
    """What the policy removes of the finished trials `ranked`, best first; running trials are never touched.

    The selected checkpoint of a `cited` trial always stays.
    """
    if not is_limited(policy):
        return Plan((), 0)
    removals: list[Removal] = []
    remaining: list[_File] = []
    for place, entry in enumerate(ranked, start=1):
        for file in _files(store, run, entry):
            why = _why_removed(policy, file, place, entry.key in cited)
            if why:
                removals.append(Removal(file.trial, file.path, file.bytes, why))
            else:
                remaining.append(file)
    total = sum(file.bytes for file in remaining)
    limit = total if policy.gigabytes is None else policy.gigabytes * GIGABYTE
    # the worst first, and of all trials the last checkpoint before the selected one of any
    worst_first = remaining[::-1]
    for file in sorted(worst_first, key=lambda file: file.selected):
        if total <= limit:
            break
        if not (file.selected and file.trial in cited):
            removals.append(Removal(file.trial, file.path, file.bytes, f"more than {policy.gigabytes:g} GB in all"))
            total -= file.bytes
    return Plan(tuple(removals), total, max(0, int(total - limit)))


def _files(store: Store, run: RunId, entry: TrialRecord) -> list[_File]:
    """The checkpoints that are there of a finished trial."""
    folder = f"{trial_folder(run, entry.key)}/checkpoints"
    files = []
    for name in store.names(folder):
        if name.endswith(".pt"):
            path = f"{folder}/{name}"
            selected, last = path == entry.checkpoints.get("best"), path == entry.checkpoints.get("last")
            files.append(_File(entry.key, path, store.size(path), selected, last))
    return files


def _why_removed(policy: Policy, file: _File, place: int, cited: bool) -> str:
    """Why a checkpoint is removed, regardless of the bytes; empty if it stays."""
    if not file.selected and not file.last:
        return "needed only to resume, and the trial has ended"
    if policy.best is not None and place > policy.best and not cited:
        return f"not among the best {policy.best}"
    if not file.selected and not policy.last:
        return "not the selected one"
    return ""


def record_path(run: RunId) -> str:
    """Where a run's removed checkpoints are recorded."""
    return f"{study_folder(run)}/removed.json"


def removed(store: Store, run: RunId) -> dict[str, dict[str, str | float]]:
    """Every checkpoint that was ever removed by the policy: path → when (Unix seconds), bytes and why."""
    try:
        record = json.loads(store.read(record_path(run)))
    except (FileNotFoundError, ValueError):  # damaged: what it said is lost, the next removals are recorded again
        return {}
    whole = {"when", "bytes", "why"}
    items = record.items() if isinstance(record, dict) else ()
    return {run.place(path): facts for path, facts in items if isinstance(facts, dict) and whole <= facts.keys()}


def remove(store: Store, run: RunId, removals: Sequence[Removal], lock: StudyLock = NO_LOCK) -> None:
    """Record the removals, then delete; for the study's driver, or a process that keeps it out. Raises `TakenOver`.

    Deleted checkpoints are listed in the record that was written conditionally: a driver stopped between the two
    deletes, when it continues, only what its successor reads of as removed.
    """
    if not removals:
        return
    now = time.time()
    record: Mapping[str, Mapping[str, str | float]] = {
        **removed(store, run),
        **{removal.path: {"when": now, "bytes": removal.bytes, "why": removal.why} for removal in removals},
    }
    relative = {run.below(path): facts for path, facts in record.items()}
    write_fenced(store, record_path(run), to_json(relative).encode(), lock)
    for removal in removals:
        store.delete(removal.path)


def describe_removal(store: Store, run: RunId, path: str) -> str | None:
    """When and why the checkpoint at `path` was removed, in words; None if it was not."""
    facts = removed(store, run).get(path)
    if facts is None:
        return None
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(float(facts["when"])))
    return f"it was removed on {when} by the study's policy for checkpoints ({facts['why']})"
