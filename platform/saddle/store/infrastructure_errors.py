"""Errors of the machine, its disks and its network, which are never results of a method.

The rule, for workers and driver. An error is the infrastructure's if it, or an error it was raised from, says

- a disk or file system is full, over its quota, read-only, failing, gone or stale (`FULL`, `BROKEN`);
- a right is missing (`RIGHTS`): who may read a folder is not a property of a configuration;
- another machine can't be reached (`NETWORK`), or a storage can't be used (`StorageError`, botocore);
- the system has no file descriptor, process or shared memory left (`LIMITS`): a warm worker serves many trials, so that
  the one that meets the limit need not be the one that used it up.

All others are the trainable's own, so a result (`failed`): a path that doesn't exist (`FileNotFoundError`), a file of
a wrong form, a time-out that the trainable set itself, and memory: `MemoryError`, CUDA's out-of-memory, `ENOMEM` and
the OOM killer, because how much memory a trial takes follows from its configuration.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import sqlite3
from collections.abc import Iterable, Iterator

from saddle.errors import Damaged, InfrastructureError, StorageError
from saddle.redaction import redact

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
BROKEN = {
    errno.EIO, errno.EREMOTEIO, errno.EROFS, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM, errno.EUCLEAN,
    errno.ENOTCONN, errno.ESHUTDOWN,
}  # fmt: skip
RIGHTS = {errno.EACCES, errno.EPERM}
NETWORK = {
    errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED, errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.EHOSTDOWN,
    errno.ENETDOWN, errno.ENETUNREACH, errno.ENETRESET, errno.ENOLINK, errno.ECOMM,
}  # fmt: skip
LIMITS = {errno.EMFILE, errno.ENFILE}

ADVICE = {
    frozenset(FULL): "make room there",
    frozenset(BROKEN): "check that it works and is writable",
    frozenset(RIGHTS): "check that this user may read and write there",
    frozenset(NETWORK): "check that it can be reached",
    frozenset(LIMITS): "raise the limit (ulimit -n)",
}
OTHERWISE = "mend that"
WHICH_DISK = "make room on the disk that is full (df -h shows which one)"
"""For a full disk where the error doesn't say what could not be written."""

NOTHING_LEFT = 64 * 1024
"""Bytes below which a file system counts as full: what failed may have removed its unfinished file."""

TEXT_OF = {os.strerror(code): code for code in FULL | BROKEN | RIGHTS | LIMITS}
"""Messages of libraries that give no error number (torch, HDF5, Rust). A lost connection is left out here: it is how
the ranks of a group say that another rank is gone."""

SAYINGS = (
    # torch.save; what it fails to read may as well be a file that was never whole
    (re.compile(r"PytorchStreamWriter failed|inline_container\.cc.*unexpected pos"), errno.ENOSPC),
    (re.compile(r"^\d+ requested and \d+ written"), errno.ENOSPC),  # numpy's tofile and save
    (re.compile(r"No usable temporary directory found|^Local disk is full"), errno.ENOSPC),  # tempfile; Ray
    (re.compile(r"out of shared memory|killed by signal: Bus error"), errno.ENOSPC),  # workers of torch's loaders
    (re.compile(r"can't start new thread"), errno.ENFILE),
    (re.compile(r"can't be read: the answer broke off"), errno.ECONNRESET),  # a dataset in a bucket
    (re.compile(r"uncorrectable ECC error|fallen off the bus|GPU is lost|devices are busy or unavailable"), errno.EIO),
)
"""What libraries say instead of the system's own words."""

SQLITE = {"SQLITE_FULL": errno.ENOSPC, "SQLITE_IOERR": errno.EIO, "SQLITE_READONLY": errno.EROFS,
          "SQLITE_CANTOPEN": errno.EACCES}  # fmt: skip


def infrastructure_error(error: BaseException) -> InfrastructureError | None:
    """The one line that a study stops with where `error` is the infrastructure's; None if it isn't."""
    for cause in chain_of(error):
        if isinstance(cause, InfrastructureError):
            return cause
        what = what_failed(cause)
        if what is not None:
            return explain_fault(*what)
    return None


def explain_fault(what: str, advice: str = OTHERWISE) -> InfrastructureError:
    """The error that says that nothing is lost, and how to continue."""
    line = " ".join(redact(what).split())
    return InfrastructureError(f"{line}; nothing that was stored is lost: {advice}, then run the same command again")


def what_failed(error: BaseException) -> tuple[str, str] | None:
    """What is wrong with the machine, disk or network and how it is mended, as `error` alone says it; else None."""
    if isinstance(error, StorageError):
        return None if isinstance(error, Damaged) else (str(error), OTHERWISE)
    if isinstance(error, socket.gaierror):
        return str(error), ADVICE[frozenset(NETWORK)]
    if type(error).__module__.startswith("botocore."):
        from saddle.store.s3.calls import REFUSED, code_of, is_transient

        is_network = is_transient(error) or code_of(error) in REFUSED if isinstance(error, Exception) else False
        return (str(error), ADVICE[frozenset(NETWORK)]) if is_network else None
    code = code_in(error)
    if code is None:
        return None
    if code in FULL and getattr(error, "filename", None) is None:
        return describe(error), WHICH_DISK
    return describe(error), next(advice for codes, advice in ADVICE.items() if code in codes)


def code_in(error: BaseException) -> int | None:
    """The error number of the infrastructure fault behind `error`; None for every other error."""
    if isinstance(error, OSError) and error.errno is not None and not _is_without_folder(error):
        return error.errno if error.errno in FULL | BROKEN | RIGHTS | NETWORK | LIMITS else None
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", "")
        return next((code for beginning, code in SQLITE.items() if name.startswith(beginning)), None)
    text = str(error)
    code = next((code for saying, code in SAYINGS if saying.search(text)), None)
    return code if code is not None else next((code for words, code in TEXT_OF.items() if words in text), None)


def _is_without_folder(error: OSError) -> bool:
    """Whether this is `tempfile`, which says of full folders that there are none."""
    return "No usable temporary directory" in str(error)


def describe(error: BaseException) -> str:
    """An error in a line: a system error with its path, of others the last line."""
    if isinstance(error, OSError) and error.strerror and not _is_without_folder(error):
        # of a copy the second name is where it was to be written
        path = error.filename if error.filename2 is None else error.filename2
        return error.strerror if path is None else f"{error.strerror}: {path}"
    text = str(error)
    line = next((line for line in text.splitlines() if any(words in line for words in TEXT_OF)), "")
    if line:
        return line
    first = next((line for line in text.splitlines() if line.strip()), type(error).__name__)
    return f"a file could not be written ({first})" if code_in(error) in FULL else first


def full_folder(folders: Iterable[str | os.PathLike[str]]) -> InfrastructureError | None:
    """The error for the first of these folders on whose file system nothing is left; None if all have room.

    For failures that don't say what they are of: a library that aborts the process, a mapped file (SIGBUS).
    """
    for folder in folders:
        with contextlib.suppress(OSError):
            system = os.statvfs(folder)
            if system.f_blocks and system.f_bavail * system.f_frsize < NOTHING_LEFT:
                return explain_fault(f"{os.strerror(errno.ENOSPC)}: {folder}", ADVICE[frozenset(FULL)])
            if system.f_files and not system.f_favail:
                return explain_fault(f"{os.strerror(errno.ENOSPC)} (no inodes): {folder}", ADVICE[frozenset(FULL)])
    return None


def read_only(folder: str | os.PathLike[str]) -> bool:
    """Whether the file system of a folder can only be read."""
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it was raised from, each once."""
    waiting, visited = [error], set[int]()
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in visited:
            continue
        visited.add(id(cause))
        yield cause
        members = cause.exceptions if isinstance(cause, BaseExceptionGroup) else ()
        # a context that was suppressed (`from None`), too: that spares the reader, and changes nothing of what happened
        # `cause` is Ray's name for what a task raised, `reason` urllib's, `orig` SQLAlchemy's
        wrapped = (getattr(cause, name, None) for name in ("cause", "reason", "orig"))
        for inner in (cause.__cause__, cause.__context__, *wrapped, *members):
            if isinstance(inner, BaseException):
                waiting.append(inner)
