"""What trials printed, kept in the store: a text file for each attempt and rank, its head and its tail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from saddle.redaction import redact
from saddle.store.base import Store
from saddle.store.open import trial_folder
from saddle.trial.run_id import RunId

HEAD_BYTES = 32 * 2**10
"""Bytes kept of the beginning, which has settings, versions and warnings."""
TAIL_BYTES = 96 * 2**10
"""Bytes kept of the end, which has an error."""

LEFT_OUT = re.compile(r"\[saddle: [\d,]+ bytes are left out here\]")
"""The line between head and tail."""

_NAME = re.compile(r"(?P<when>\d{8}T\d{6}\.\d{6})-rank(?P<rank>\d+)\.txt")
_WHEN = "%Y%m%dT%H%M%S.%f"
_END_OF_KEY = re.compile(r"-----END [A-Z ]*PRIVATE KEY-----")
_BEGIN_OF_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")


@dataclass(frozen=True, order=True)
class TrialOutput:
    """What one rank of one attempt of a trial printed, both standard output and error, in the order it came."""

    started: str
    """When the attempt began, in UTC, as the file's name says it."""
    rank: int
    path: str

    @property
    def heading(self) -> str:
        """`2026-01-31 10:22:05 UTC`, with the rank unless it is the first."""
        when = datetime.strptime(self.started, _WHEN).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"{when}, rank {self.rank}" if self.rank else when


def output_folder(run: RunId, key: str) -> str:
    """Where the outputs of a trial are stored."""
    return f"{trial_folder(run, key)}/output"


def stamp_of(seconds: float) -> str:
    """Unix seconds as the name of an output has them, so that names sort by time."""
    return datetime.fromtimestamp(seconds, UTC).strftime(_WHEN)


def output_path(run: RunId, key: str, stamp: str, rank: int) -> str:
    """Where the output of the attempt that began at `stamp` is kept."""
    return f"{output_folder(run, key)}/{stamp}-rank{rank}.txt"


def outputs_of(store: Store, run: RunId, key: str) -> list[TrialOutput]:
    """The outputs of a trial, the earliest first; none if nothing was printed."""
    folder = output_folder(run, key)
    matches = ((name, _NAME.fullmatch(name)) for name in store.names(folder))
    return sorted(TrialOutput(m["when"], int(m["rank"]), f"{folder}/{name}") for name, m in matches if m is not None)


def read_output(store: Store, output: TrialOutput) -> str:
    """The text of an output; empty if it is gone."""
    try:
        return redact(store.read(output.path).decode(errors="replace"))
    except FileNotFoundError:
        return ""


def shown_text(head: bytes, tail: bytes, size: int, *, ended: bool = True) -> str:
    """The text to keep of an output of `size` bytes that begins with `head` and ends with `tail`.

    Where the two are not all of it, they are cut at ends of lines and a line between them counts what is left out.
    Nothing secret is in it, and of a line that was written over (a progress bar) the last state is kept. Of one that
    has not `ended` the line that is still being written is left out.
    """
    if len(head) + len(tail) >= size:
        whole = head + tail
        return _as_text(whole if ended else whole[: _end_of_lines(whole)])
    head, tail = _without_last_part(head), _without_first_part(tail)
    left_out = f"[saddle: {size - len(head) - len(tail):,} bytes are left out here]"
    return f"{_as_text(head)}{left_out}\n{_as_text(tail if ended else tail[: _end_of_lines(tail)], torn=True)}"


def lines_after(before: Sequence[str], now: Sequence[str]) -> Sequence[str]:
    """The lines of an output that were not there when it had the lines `before`.

    Where its middle has been left out meanwhile, what follows the last lines that both have; all of it without any.
    """
    if list(now[: len(before)]) == list(before):
        return now[len(before) :]
    for count in (8, 4, 2, 1):
        known = list(before[-count:])
        for start in range(len(now) - count, -1, -1):
            if list(now[start : start + count]) == known:
                return now[start + count :]
    return now


def _as_text(content: bytes, *, torn: bool = False) -> str:
    text = content.decode(errors="replace").replace("\r\n", "\n")
    text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return redact(_without_torn_key(text) if torn else text)


def _without_torn_key(text: str) -> str:
    """The text without the rest of a private key whose beginning was left out: it could not be recognised otherwise."""
    end, begin = _END_OF_KEY.search(text), _BEGIN_OF_KEY.search(text)
    return text if end is None or (begin is not None and begin.start() < end.start()) else text[end.end() :]


def _end_of_lines(content: bytes) -> int:
    """Where the last whole line ends, 0 without one."""
    return max(content.rfind(b"\n"), content.rfind(b"\r")) + 1


def _without_last_part(head: bytes) -> bytes:
    """The head up to its last end of a line, as a secret may be cut in two; up to a blank if it is a single line."""
    end = _end_of_lines(head)
    return head[:end].rstrip(b"\r\n") + b"\n" if end else head[: head.rfind(b" ") + 1] + b"\n"


def _without_first_part(tail: bytes) -> bytes:
    """The tail from its first end of a line on; from a blank if it is a single line."""
    ends = [place for place in (tail.find(b"\n"), tail.find(b"\r")) if 0 <= place < len(tail) - 1]
    return tail[min(ends) + 1 :] if ends else tail[max(tail.find(b" "), 0) :]
