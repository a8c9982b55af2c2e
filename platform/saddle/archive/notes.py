"""Storing notes on runs, and sending them to MLflow."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from saddle.archive.studies import StoredStudy
from saddle.errors import NotFound, StorageError, UserError
from saddle.store.base import Store
from saddle.store.ownership.lock import lock_study
from saddle.store.run_files.notes import LONGEST_NOTE, LONGEST_TAG, Note, add_note, note_tags, read_notes
from saddle.study.nearest import nearest
from saddle.track.opening import open_tracker, was_tracked

DELIVERY_SECONDS = 10.0


def keep_note(
    store: Store, stored: StoredStudy, text: str, tags: Sequence[str] = (), *, arm: str = "", trial: str = ""
) -> tuple[Note, str | None]:
    """Store a note and send it to MLflow; returns it, and a sentence on messages that MLflow has not accepted yet.

    While a driver runs the study, MLflow gets the note at its end. Raises `UserError` for an arm that the study
    does not have, and for what is too long.
    """
    check(text, tags)
    if arm:
        arm = known_arm(stored, arm)
    note = add_note(store, stored.run, text, tags, arm, trial)
    if not was_tracked(store, stored.run):
        return note, None
    with contextlib.suppress(StorageError), lock_study(store, stored.run):
        tracker = open_tracker(store, stored.run, declared=stored.declared)
        tracker.tag_study(note_tags(read_notes(store, stored.run)))
        return note, tracker.close(DELIVERY_SECONDS)
    return note, "a driver is running the study; MLflow gets the note when it ends"


def check(text: str, tags: Sequence[str]) -> None:
    """Raise `UserError` for a note or tag that is too long or empty."""
    if len(text) > LONGEST_NOTE:
        raise UserError(f"the note has {len(text):,} characters; at most {LONGEST_NOTE:,} are kept")
    for tag in tags:
        if not tag.strip() or len(tag) > LONGEST_TAG:
            raise UserError(f"--tag {tag!r}: a tag has 1 to {LONGEST_TAG} characters")
    if not text.strip() and not tags:
        raise UserError("the note is empty")


def known_arm(stored: StoredStudy, arm: str) -> str:
    """The arm's displayed name; raises `NotFound` naming the nearest."""
    arms = stored.results([]).named_arms
    by_any = {alias: name for name, named_arm in arms.items() for alias in (name, named_arm.name, named_arm.key)}
    if arm not in by_any:
        hint = nearest(arm, by_any)
        listed = f"it has {', '.join(arms)}" if arms else "a search has none"
        raise NotFound(f"{stored.run} has no arm {arm!r}; " + (f"did you mean {hint}?" if hint else listed))
    return by_any[arm]
