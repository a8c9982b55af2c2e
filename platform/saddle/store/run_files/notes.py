"""Notes and tags on a run, its arms and its trials: a file each, written once, by anybody and at any time."""

from __future__ import annotations

import getpass
import json
import logging
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from saddle.redaction import redact
from saddle.store.base import Store
from saddle.store.open import study_folder
from saddle.store.parallel import in_parallel
from saddle.trial.json_text import to_json
from saddle.trial.run_id import RunId

VERSION = 1
LONGEST_NOTE = 10_000
LONGEST_TAG = 50

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Note:
    """What somebody wrote about a run, or about an arm or trial of it; either text or tags may be empty."""

    text: str
    tags: Sequence[str] = ()
    arm: str = ""
    trial: str = ""
    when: float = 0.0
    """Unix seconds."""
    who: str = ""

    @property
    def about(self) -> str:
        """`trial KEY`, `arm NAME`, or `the study`."""
        return f"trial {self.trial}" if self.trial else f"arm {self.arm}" if self.arm else "the study"

    @property
    def line(self) -> str:
        """The note in a line, its tags first: `[keep] looks right`."""
        return " ".join([*(f"[{tag}]" for tag in self.tags), " ".join(self.text.split())]).strip()


def notes_folder(run: RunId) -> str:
    """Where the notes of a run are stored."""
    return f"{study_folder(run)}/notes"


def add_note(store: Store, run: RunId, text: str, tags: Sequence[str] = (), arm: str = "", trial: str = "") -> Note:
    """Keep a note; what is secret in it is hidden. It needs no lock, as no other note has its name."""
    note = Note(redact(text), tuple(map(redact, tags)), arm, trial, time.time(), _user())
    name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(note.when))}-{uuid.uuid4().hex[:8]}.json"
    store.write_if(f"{notes_folder(run)}/{name}", to_json({"version": VERSION, **asdict(note)}).encode(), None)
    return note


def read_notes(store: Store, run: RunId) -> list[Note]:
    """The notes of a run by when they were written; one that is damaged is left out with a warning."""
    paths = [f"{notes_folder(run)}/{name}" for name in store.names(notes_folder(run)) if name.endswith(".json")]
    notes = [note for note in in_parallel(store, lambda path: _read(store, path), paths) if note is not None]
    return sorted(notes, key=lambda note: note.when)


def tags_in(notes: Iterable[Note]) -> list[str]:
    """The tags of the run itself, each once, in the order they were given."""
    return list(dict.fromkeys(tag for note in notes if not note.arm and not note.trial for tag in note.tags))


def note_tags(notes: Sequence[Note]) -> dict[str, str]:
    """What MLflow has of the notes, as tags of the study's run; none without any."""
    if not notes:
        return {}
    lines = [f"{note.about}: {note.line}" for note in notes if note.line]
    return {"saddle.tags": ", ".join(tags_in(notes)), "saddle.notes": "\n".join(lines)}


def _read(store: Store, path: str) -> Note | None:
    try:
        facts = json.loads(store.read(path))
        if facts.pop("version") > VERSION:
            raise ValueError("it was written by a later version of saddle")
        return Note(**{**facts, "tags": tuple(map(str, facts["tags"])), "when": float(facts["when"])})
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("the note %s can't be used: %s", store.locate(path), error)
        return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return ""
