"""Fencing: each driver of a study has a token, a number that grows; a driver with an old one writes no more.

A driver that was stopped for longer than its lease lasts can't know, when it continues, that another one has the study.
So nothing that it writes rests on a clock: what is written once is never replaced, what is replaced is replaced only
as it was last seen (`Store.write_if`), and the token in the storage is read between seeing and writing.
"""

from __future__ import annotations

import json
import os
import socket
import uuid
from dataclasses import dataclass
from typing import Protocol

from saddle.errors import StorageError, TakenOver
from saddle.store.base import Conflict, Store
from saddle.store.open import study_folder
from saddle.trial.run_id import RunId

ATTEMPTS = 20


class StudyLock(Protocol):
    """A study is ours as long as it is not `lost`; `why` says what happened then."""

    @property
    def token(self) -> int:
        """Our fencing token, which every object that we write bears."""

    @property
    def lost(self) -> bool: ...

    @property
    def why(self) -> str: ...

    def check(self) -> None:
        """Ask the storage whether the study is still ours; raises `TakenOver`."""


@dataclass(frozen=True)
class NoLock:
    """A hold that can't be lost."""

    token: int = 0
    lost: bool = False
    why: str = ""

    def check(self) -> None:
        pass


NO_LOCK = NoLock()


@dataclass
class Fence:
    """The token that this process took, and what is known of its successor."""

    store: Store
    run: RunId
    token: int
    taken_by: str = ""

    @property
    def why(self) -> str:
        """What happened, for the user of the driver that was taken for dead."""
        return (
            f"{self.run.name} was taken over by {self.taken_by} while this driver did not answer; this one has "
            "stopped, and none of its finished trials is lost"
        )

    def check(self) -> None:
        """Raise `TakenOver` if the storage has another token than ours."""
        if not self.taken_by:
            token, owner = read_token(self.store, self.run)[:2]
            self.taken_by = owner if token != self.token else ""
        if self.taken_by:
            raise TakenOver(self.why)


def fence_path(run: RunId) -> str:
    """The path of a study's token: a hidden file outside the run's folder, because it outlives `--fresh`."""
    folder, _, name = study_folder(run).rpartition("/")
    return f"{folder}/.{name}.fence"


def read_token(store: Store, run: RunId) -> tuple[int, str, str | None]:
    """The latest token, who took it, and the ETag to replace it with; raises `StorageError` if it is damaged."""
    path = fence_path(run)
    try:
        content, etag = store.fetch(path)
        facts = json.loads(content)
        return int(facts["token"]), f"process {facts['process']} on {facts['host']}", etag
    except FileNotFoundError:
        return _token_of_facts(store, run), "nobody", None
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{store.locate(path)} is damaged ({error}); where no driver runs {run.name}, delete it and run it again"
        ) from error


def _token_of_facts(store: Store, run: RunId) -> int:
    """The token of the driver that last wrote the study's facts, 0 if none did: a fence may have been deleted."""
    try:
        facts = json.loads(store.read(f"{study_folder(run)}/instance.json"))
        return int(facts.get("token", 0))
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return 0


def take_fence(store: Store, run: RunId) -> Fence:
    """Take the next token of a study, only for the holder of its lock: it fences off every earlier driver."""
    for _ in range(ATTEMPTS):
        latest, _owner, etag = read_token(store, run)
        # the nonce, because a conditional write takes equal contents for its own
        nonce = uuid.uuid4().hex
        facts = {"token": latest + 1, "process": os.getpid(), "host": socket.gethostname(), "nonce": nonce}
        try:
            store.write_if(fence_path(run), json.dumps(facts).encode(), etag)
        except Conflict:
            continue
        return Fence(store, run, latest + 1)
    raise StorageError(f"{store.locate(fence_path(run))}: several drivers want to run {run.name} at the same time")


def write_fenced(store: Store, path: str, content: bytes, lock: StudyLock) -> None:
    """Replace a blob that only the study's driver writes; raises `TakenOver`.

    Its ETag is read before the token: a driver that came later, and wrote it, has changed it.
    """
    _write_as_seen(store, path, content, store.etag(path), lock)


def write_once(store: Store, path: str, content: bytes, lock: StudyLock) -> None:
    """Write a blob that only the study's driver writes, and never replaces; raises `TakenOver` if there is one."""
    _write_as_seen(store, path, content, None, lock)


def _write_as_seen(store: Store, path: str, content: bytes, etag: str | None, lock: StudyLock) -> None:
    lock.check()
    try:
        store.write_if(path, content, etag)
    except Conflict:
        lock.check()
        raise TakenOver(
            f"{store.locate(path)} was written by another process meanwhile; run the same command again"
        ) from None
