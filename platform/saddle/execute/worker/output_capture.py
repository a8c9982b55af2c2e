"""Keeps what a trial prints: its worker's standard output and error, also of C code, subprocesses and warnings.

A worker is warm and serves many trials, so that the file descriptors themselves point to a file of the trial's own
while it is trained. A file, and no pipe: C code that prints while it holds the interpreter's lock would wait forever
for a reader in the same process. The part between head and tail is freed on the disk.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from saddle.cluster.ray_internals import logs_folder
from saddle.execute.worker.pending_epoch import PendingEpoch
from saddle.store.base import Store
from saddle.store.open import open_store
from saddle.store.run_files.trial_output import HEAD_BYTES, TAIL_BYTES, output_path, shown_text, stamp_of
from saddle.study.values import short_hash
from saddle.trial.messages import LastMessage, Message, StartMessage

log = logging.getLogger(__name__)

KEEP_SECONDS = 5.0
"""How often what was printed is kept while the trial is trained."""
COST_SHARE = 50
"""Keeping takes at most one in so many seconds: hiding secrets takes about 1 ms for each KiB."""
END_SECONDS = 60.0
"""How long the end of a trial waits for what is being kept just then."""

PUNCH_HOLE = 0x02 | 0x01
"""Linux's FALLOC_FL_PUNCH_HOLE, with FALLOC_FL_KEEP_SIZE."""
BLOCK = 4096


def keeping_output(
    messages: Generator[Message | PendingEpoch, None, None], start: StartMessage, rank: int = 0
) -> Generator[Message | PendingEpoch, None, None]:
    """The messages of a trial, with what it prints meanwhile kept in the store before its last message is out."""
    with contextlib.closing(messages), capture_output(start, rank) as capture:
        for message in messages:
            if isinstance(message, LastMessage):
                capture.close()
            yield message


@contextlib.contextmanager
def capture_output(start: StartMessage, rank: int = 0, folder: Path | None = None) -> Iterator[Capture]:
    """Keep what is printed in the block; where that can't be done, it is logged, and the trial continues without it."""
    capture = Capture(start, rank, folder or raw_folder())
    capture.open()
    try:
        # a warning shown to an earlier trial of this process is shown to this one, too
        with warnings.catch_warnings():
            yield capture
    finally:
        capture.close()


def raw_folder() -> Path:
    """The folder of a trial's output: that of Ray's logs, with which it is deleted."""
    try:
        return Path(logs_folder())
    except AttributeError:  # not in a worker of Ray's
        return Path(tempfile.gettempdir())


@dataclass
class Capture:
    """The output of one rank of one attempt: the file that it is printed to, and where it is stored."""

    start: StartMessage
    rank: int
    folder: Path
    stamp: str = field(default_factory=lambda: stamp_of(time.time()))
    _raw: int | None = None
    _saved: dict[int, int] = field(default_factory=dict)
    _kept_size: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _store: Store | None = None

    @property
    def _stem(self) -> str:
        """What the files of all attempts of this rank of the trial begin with."""
        spec, storage = self.start.spec, self.start.placement.storage
        trial = short_hash({"storage": storage, "run": spec.run.folder, "trial": spec.key})
        return f"saddle-output-{trial}-rank{self.rank}-"

    @property
    def path(self) -> Path:
        """The file that is printed to."""
        return self.folder / f"{self._stem}{self.stamp}.raw"

    def open(self) -> None:
        """Turn standard output and error to the file; what a killed attempt left on this machine is kept first."""
        with self._logged("redirected"):
            self._keep_leftovers()
        try:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._raw = os.open(self.path, flags, 0o600)
            self._redirect()
        except OSError as error:
            self._restore()
            log.warning("what %s prints is not kept: %s", self.start.spec.key, error)
            return
        self._thread = threading.Thread(target=self._keep_now_and_then, name="saddle-output", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Turn standard output and error back and keep all that was printed; nothing happens the second time."""
        if self._raw is None:
            return
        self._restore()
        self._over.set()
        if self._thread is not None:
            self._thread.join(END_SECONDS)
            if self._thread.is_alive():
                log.warning("what %s printed last is not kept: its storage does not answer", self.start.spec.key)
                return  # the thread still reads the file
        with self._logged("kept"):
            self._keep(self._raw, self.stamp)
        os.close(self._raw)
        self._raw = None
        self.path.unlink(missing_ok=True)

    def _redirect(self) -> None:
        assert self._raw is not None
        flush_streams()
        for descriptor in sorted({1, 2} | python_streams()):
            self._saved[descriptor] = os.dup(descriptor)
            os.dup2(self._raw, descriptor)

    def _restore(self) -> None:
        flush_streams()
        for descriptor, saved in self._saved.items():
            os.dup2(saved, descriptor)
            os.close(saved)
        self._saved.clear()

    def _keep_now_and_then(self) -> None:
        pause = KEEP_SECONDS
        while not self._over.wait(pause):
            start = time.monotonic()
            with self._logged("kept"):
                assert self._raw is not None
                self._keep(self._raw, self.stamp, ended=False)
            pause = max(KEEP_SECONDS, COST_SHARE * (time.monotonic() - start))

    def _keep(self, raw: int, stamp: str, *, ended: bool = True) -> None:
        """Write head and tail of a file to the store if it has grown, and free its middle on the disk."""
        size = os.fstat(raw).st_size
        if size == self._kept_size:
            return
        spec, text = self.start.spec, shown_text(*ends_of(raw, size), size, ended=ended)
        self._opened().write(output_path(spec.run, spec.key, stamp, self.rank), text.encode())
        self._kept_size = size
        free_middle(raw, HEAD_BYTES, size - TAIL_BYTES)

    def _keep_leftovers(self) -> None:
        """Keep what attempts printed whose process was killed, and remove their files."""
        for path in sorted(self.folder.glob(f"{self._stem}*.raw")):
            raw = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                self._keep(raw, path.name.removeprefix(self._stem).removesuffix(".raw"))
            finally:
                os.close(raw)
            path.unlink(missing_ok=True)
            self._kept_size = 0

    def _opened(self) -> Store:
        if self._store is None:
            self._store = open_store(self.start.placement.storage, create=False)
        return self._store

    @contextlib.contextmanager
    def _logged(self, what: str) -> Iterator[None]:
        """Log what goes wrong: no trial fails because what it printed can't be kept."""
        try:
            yield
        except Exception as error:
            log.warning("what %s printed could not be %s: %s", self.start.spec.key, what, error)


def python_streams() -> set[int]:
    """The file descriptors that Python prints to."""
    descriptors = set()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # none, or one without a descriptor
            descriptors.add(stream.fileno())
    return descriptors


def flush_streams() -> None:
    """Flush the buffers of Python and C code."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    ctypes.CDLL(None).fflush(None)


def ends_of(raw: int, size: int) -> tuple[bytes, bytes]:
    """The first and the last bytes of a file that are kept; it may have grown beyond `size` meanwhile."""
    if size <= HEAD_BYTES + TAIL_BYTES:
        return os.pread(raw, size, 0), b""
    return os.pread(raw, HEAD_BYTES, 0), os.pread(raw, TAIL_BYTES, size - TAIL_BYTES)


def free_middle(raw: int, start: int, end: int) -> None:
    """Give the blocks between two places of a file back to the disk, where its file system can; its size stays."""
    start, end = -(-start // BLOCK) * BLOCK, end // BLOCK * BLOCK
    fallocate = getattr(ctypes.CDLL(None), "fallocate", None)
    if fallocate is not None and end > start:
        fallocate(raw, PUNCH_HOLE, ctypes.c_long(start), ctypes.c_long(end - start))
