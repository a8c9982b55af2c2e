"""A study's policy for checkpoints, applied to what is stored of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from saddle.analyse.answering import answer_study
from saddle.analyse.best import trial_order, value_of, violation
from saddle.archive.finding import NotFound
from saddle.archive.studies import StoredStudy
from saddle.report.cited import cited
from saddle.search.outcomes import Outcome
from saddle.store.base import Store
from saddle.store.entry import Entry
from saddle.store.ledger import Ledger
from saddle.store.lock import hold_study
from saddle.store.opening import study_folder
from saddle.store.retention import GIGABYTE, Plan, Removal, is_limited, plan_retention, remove
from saddle.study.models import Study
from saddle.study.problems import nearest
from saddle.study.selection import selection_of
from saddle.study.trainables import load_trainable


def plan_for(store: Store, stored: StoredStudy) -> Plan:
    """What the study's policy would remove now; its report cites what it would cite if written now."""
    study = stored.study
    if not is_limited(study.checkpoints):
        return Plan((), 0)
    trainable = load_trainable(study.trainable)
    entries = sorted(Ledger(store, study.study), key=trial_order)
    answer = answer_study(study, trainable, entries, stored.baseline)
    names = cited(study, entries, answer, trainable)
    return plan_retention(store, study.checkpoints, ranked(study, trainable, entries), names)


def ranked(study: Study, trainable: Any, entries: Sequence[Entry]) -> list[Entry]:
    """Trials by the study's selection metric, best first: completed before others, constraints kept before broken."""
    selection = selection_of(study, trainable)
    sign = -1.0 if selection.direction == "maximize" else 1.0

    def place(entry: Entry) -> tuple[bool, bool, bool, float]:
        value = value_of(entry, selection.metric)
        kept = violation(entry, study.constraints) == 0
        return (entry.outcome != Outcome.COMPLETED, not kept, value is None, 0.0 if value is None else sign * value)

    return sorted(sorted(entries, key=trial_order), key=place)


@dataclass(frozen=True)
class Collected:
    """What was removed of one study, or would be; `note` says why nothing is where that isn't plain."""

    study: str
    removals: Sequence[Removal] = ()
    kept_bytes: int = 0
    note: str = ""

    @property
    def bytes(self) -> int:
        """What is gained."""
        return sum(removal.bytes for removal in self.removals)


def collect(store: Store, stored: StoredStudy, *, dry_run: bool) -> Collected:
    """Apply a study's policy, or only say what that would do; raises `StorageError` while a driver runs the study."""
    name = stored.study.study
    if not is_limited(stored.study.checkpoints):
        return Collected(name, note="keeps every checkpoint; its file sets no limit under checkpoints")
    if dry_run:
        plan = plan_for(store, stored)
    else:
        with hold_study(store, name):
            plan = apply_policy(store, stored)
    over = f"{plan.over / GIGABYTE:.3g} GB over its limit, all of it cited by the report" if plan.over else ""
    return Collected(name, plan.removals, plan.kept_bytes, over)


def collect_set_aside(store: Store, name: str, *, dry_run: bool) -> Collected:
    """Remove a whole study that `--fresh` has set aside (`NAME@…`), or only say what that would free.

    Raises `NotFound`.
    """
    folder = study_folder(name)
    if name not in set_aside(store):
        known = set_aside(store)
        hint = nearest(name, known)
        listed = f"set aside are: {', '.join(known)}" if known else "none was set aside"
        raise NotFound(f"no study {name!r} in {store.url}; {f'did you mean {hint}? ' if hint else ''}{listed}")
    removal = Removal("", folder, store.size(folder), "the whole study, set aside by --fresh")
    if not dry_run:
        store.delete(folder)
    return Collected(name, (removal,))


def set_aside(store: Store) -> list[str]:
    """The studies that `--fresh` has put beside new ones of their names."""
    return [name for name in store.names("studies") if "@" in name and store.exists(f"{study_folder(name)}/study.yaml")]


def apply_policy(store: Store, stored: StoredStudy) -> Plan:
    """Remove what the study's policy gives up; only the study's driver may, or whoever keeps it out."""
    plan = plan_for(store, stored)
    remove(store, stored.study.study, plan.removals)
    return plan
