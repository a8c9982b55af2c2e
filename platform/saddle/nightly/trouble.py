"""Why a night could not run, for the page and the next attempt."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from saddle.nightly.storage import NightlyStorage
from saddle.redaction import redact
from saddle.store.ownership.fence import StudyLock

FILE = "trouble.json"


@dataclass(frozen=True)
class Trouble:
    """What kept a night from its end, and when."""

    why: str
    when: str


def note_trouble(storage: NightlyStorage, date: str, why: str, lock: StudyLock) -> None:
    """Keep why a night could not run, in place of an earlier reason."""
    trouble = Trouble(redact(why), datetime.now(UTC).isoformat(timespec="seconds"))
    storage.write(json.dumps(asdict(trouble)).encode(), lock, "nights", date, FILE)


def forget_trouble(storage: NightlyStorage, date: str) -> None:
    """The night has come to its end since."""
    storage.store.delete(storage.night_path(date, FILE))


def read_trouble(storage: NightlyStorage, date: str) -> Trouble | None:
    """Why a night could not run; None if it did, or was never begun."""
    content = storage.read("nights", date, FILE)
    return None if content is None else Trouble(**json.loads(content))
