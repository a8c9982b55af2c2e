"""A lease on a study in a bucket, by which its driver is known to drivers on other machines.

It is a small blob, written on condition that no other driver has written it, and renewed by a thread. A driver that is
killed stops renewing it. How old it is, the endpoint's clock alone decides.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import psutil

from saddle.errors import StorageError
from saddle.store.s3.calls import is_unmet
from saddle.store.s3.conditions import age_of, require_conditions
from saddle.store.s3.store import S3Store

RENEW_SECONDS = 10.0
STALE_SECONDS = 60.0
"""After which a lease that was not renewed may be taken over."""

RENEW_PATIENCE = 5.0
ATTEMPTS = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Owner:
    """A process on a machine."""

    host: str
    place: str
    """The machine and its process numbers: host names and numbers alone may be the same elsewhere."""
    process: int
    began: float
    token: str

    @classmethod
    def here(cls) -> Owner:
        """This process."""
        process = psutil.Process()
        return cls(socket.gethostname(), place(), process.pid, process.create_time(), uuid.uuid4().hex)

    @property
    def is_dead(self) -> bool:
        """Whether this machine knows that the process is gone."""
        if self.place != place():
            return False
        try:
            began: float = psutil.Process(self.process).create_time()
        except psutil.NoSuchProcess:
            return True
        return abs(began - self.began) > 1.0  # else the number was given to another process


def place() -> str:
    """What distinguishes this machine's (or container's) process numbers from those of every other."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id") as file:
        parts.append(file.read().strip())
    with contextlib.suppress(OSError):
        parts.append(str(os.stat("/proc/self/ns/pid").st_ino))
    return " ".join(parts)


@dataclass(frozen=True)
class Found:
    """A lease as it is stored."""

    owner: Owner
    etag: str
    age: float

    @property
    def holds(self) -> bool:
        return self.age <= STALE_SECONDS and not self.owner.is_dead


def find_lease(store: S3Store, path: str, patience: float | None = None) -> Found | None:
    """The lease at `path`, whether it still holds or not; None if there is none."""

    def get() -> Any:
        answer = store.calls.client.get_object(Bucket=store.bucket, Key=store.key(path))
        return answer, answer["Body"].read()

    try:
        answer, content = store.calls("reading", store.key(path), get, patience=patience)
    except FileNotFoundError:
        return None
    try:
        owner = Owner(**json.loads(content))
    except (ValueError, TypeError):  # of a later version of saddle, or damaged: it holds while it is renewed
        owner = Owner("an unknown machine", "", 0, 0.0, "")
    return Found(owner, answer["ETag"], age_of(answer))


@dataclass
class Lease:
    """A lease that this process holds, until `lost`."""

    store: S3Store
    path: str
    study: str
    owner: Owner = field(default_factory=Owner.here)
    taken_by: str = ""
    _etag: str = ""
    _renewed: float = 0.0
    _troubled: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ending: threading.Event = field(default_factory=threading.Event)

    @property
    def lost(self) -> bool:
        """Whether another driver has taken the study over, which happens to one that was cut off for a minute.

        After such a minute the store is asked before this says no, as far as it can be reached.
        """
        if not self.taken_by and now() - self._renewed > STALE_SECONDS:
            self._try_to_renew()
        return bool(self.taken_by)

    @property
    def why(self) -> str:
        """What happened, for the user of the driver that lost it."""
        return (
            f"{self.study} was taken over by {self.taken_by} while this driver could not be heard of for "
            f"{STALE_SECONDS:.0f} s; this one has stopped, and nothing that it had finished is lost"
        )

    def take(self) -> None:
        """Become the holder; raises `StorageError` naming the one who is."""
        for _ in range(ATTEMPTS):
            lease = find_lease(self.store, self.path)
            if lease is not None and lease.owner.token == self.owner.token:  # written, but the answer was lost
                self._etag = lease.etag
                return
            if lease is not None and lease.holds:
                raise StorageError(self._refusal(lease))
            self._renewed = now()
            with contextlib.suppress(Unmet):  # somebody was faster; see who
                self._write({"IfNoneMatch": "*"} if lease is None else {"IfMatch": lease.etag})
                self._confirm()
                return
        raise StorageError(f"{self.store.locate(self.path)}: several drivers want to run {self.study} at the same time")

    def _confirm(self, patience: float | None = None) -> None:
        """See that the lease there is ours: an endpoint that was found good may have been replaced by one that knows no
        conditions, and lets another driver's lease be written over."""
        lease = find_lease(self.store, self.path, patience)
        if lease is None or lease.owner.token != self.owner.token:
            raise Unmet
        self._etag = lease.etag  # another one than is known where the last write's answer was lost

    def _write(self, condition: dict[str, str], patience: float | None = None) -> None:
        content = json.dumps(asdict(self.owner)).encode()

        def put() -> Any:
            return self.store.calls.client.put_object(
                Bucket=self.store.bucket, Key=self.store.key(self.path), Body=content, **condition
            )

        try:
            self._etag = self.store.calls("writing", self.store.key(self.path), put, patience=patience)["ETag"]
        except FileNotFoundError:
            raise Unmet from None
        except Exception as error:
            if is_unmet(error):
                raise Unmet from None
            raise

    def _refusal(self, lease: Found) -> str:
        owner = lease.owner
        silent = ""
        if lease.age > 2 * RENEW_SECONDS:
            silent = (
                f"; it was last renewed {lease.age:.0f} s ago, and if it is dead, the study is free in "
                f"{STALE_SECONDS - lease.age:.0f} s"
            )
        return (
            f"another driver (process {owner.process} on {owner.host}) is running {self.study}; watch it with "
            f"`saddle status {self.study} --watch`, or stop it with `saddle stop {self.study}`{silent}"
        )

    def renew_until_released(self) -> None:
        """What the thread does."""
        pause = RENEW_SECONDS
        while not self._ending.wait(pause) and not self.taken_by:
            pause = RENEW_SECONDS if self._try_to_renew() else RENEW_SECONDS / 5

    def _try_to_renew(self) -> bool:
        """Renew the lease, or see who has it; whether either was possible."""
        with self._lock:
            began = now()
            try:
                self._confirm(RENEW_PATIENCE)
                self._write({"IfMatch": self._etag}, RENEW_PATIENCE)
                self._confirm(RENEW_PATIENCE)
            except Unmet:
                return self._see_who_has_it()
            except StorageError as error:
                if not self._troubled:
                    log.warning("the lease of %s can't be renewed: %s", self.study, error)
                self._troubled = True
                return False
            self._renewed, self._troubled = began, False
            return True

    def _see_who_has_it(self) -> bool:
        try:
            lease = find_lease(self.store, self.path, RENEW_PATIENCE)
        except StorageError:
            return False
        if lease is not None and lease.owner.token == self.owner.token:  # renewed, but the answer was lost
            self._etag, self._renewed = lease.etag, now() - lease.age
        else:
            self.taken_by = (
                "another driver" if lease is None else f"process {lease.owner.process} on {lease.owner.host}"
            )
        return True

    def release(self) -> None:
        """Let the next driver in immediately."""
        self._ending.set()
        client, key = self.store.calls.client, self.store.key(self.path)
        with self._lock, contextlib.suppress(StorageError):  # if it can't be reached, the lease ends by itself
            lease = find_lease(self.store, self.path, RENEW_PATIENCE)
            if lease is not None and lease.owner.token == self.owner.token:
                self.store.calls(
                    "deleting", key, lambda: client.delete_object(Bucket=self.store.bucket, Key=key),
                    patience=RENEW_PATIENCE,
                )  # fmt: skip


class Unmet(Exception):
    """The lease is not as it was when it was last seen."""


def now() -> float:
    """Seconds that count on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@contextlib.contextmanager
def hold_lease(store: S3Store, path: str, study: str) -> Iterator[Lease]:
    """Hold the lease at `path`; raises `StorageError` naming the machine and process that hold it.

    Raises `NoConditions` if the endpoint would let another driver hold it too.
    """
    require_conditions(store)
    lease = Lease(store, path, study)
    lease.take()
    thread = threading.Thread(target=lease.renew_until_released, name=f"lease of {study}", daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        lease.release()
        thread.join(timeout=RENEW_PATIENCE)
