"""Why a trial failed, and where, read from the words that its record keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from saddle.process_setup import working_directory
from trainables import own_loop

FRAME = re.compile(r'^ *File "(?P<file>[^"\n]+)", line (?P<line>\d+)(?:, in .*)?$', re.MULTILINE)
RAISED = re.compile(r"^(?P<kind>[A-Za-z_][\w.]*)(?::|$)", re.MULTILINE)
INSTALLED = ("site-packages", "dist-packages", "lib-dynload")
OUR_PLATFORM = Path(__file__).resolve().parents[1]
OF_OWN_LOOPS = Path(own_loop.__file__).resolve().parent
NOT_WRITTEN = ("<frozen", "<string>", "<stdin>")
WORKER_DIED = "the worker died"
"""How the reason of a trial begins whose worker was lost too often."""
NUMBERS = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True)
class Failure:
    """The exception of a failed trial and the line of the user's code, or of the trainable's, that it came from."""

    kind: str
    """The exception's type; without a traceback all the words themselves, numbers left out."""
    file: str = ""
    line: int = 0

    @property
    def is_of_code(self) -> bool:
        """Whether it is of the trial's code, so that others would fail, too; a worker's death may be a machine's."""
        return bool(self.kind) and not self.kind.startswith(WORKER_DIED)

    @property
    def place(self) -> str:
        """`train.py:12`, relative where the file is below the working directory; empty if it is not a trainable's."""
        if not self.file or not _is_written_here(self.file):
            return ""
        path, here = Path(self.file), working_directory()
        if here is not None and path.is_relative_to(here):
            return f"{path.relative_to(here)}:{self.line}"
        return f"{Path(*path.parts[-2:])}:{self.line}"


def failure_of(why: str) -> Failure:
    """What the reason of a failed trial says: a traceback, the end of a program's output, or a sentence."""
    frames = list(FRAME.finditer(why))
    if not frames:
        return Failure(NUMBERS.sub("#", why.strip()))
    raised = RAISED.search(why, frames[-1].end())
    # of a chain of exceptions the last one, which is what the trial ended with
    beginning = why.rfind("\nTraceback (most recent call last)", 0, frames[-1].start())
    last = [frame for frame in frames if frame.start() > beginning]
    frame = next((frame for frame in reversed(last) if _is_written_here(frame["file"])), last[-1])
    return Failure(raised["kind"] if raised else "", frame["file"], int(frame["line"]))


def _is_written_here(file: str) -> bool:
    """Whether a file is neither a library's nor the platform's."""
    path = Path(file)
    return not (
        any(part in path.parts for part in INSTALLED)
        or file.startswith(NOT_WRITTEN)
        or path.is_relative_to(OUR_PLATFORM)
        or path.is_relative_to(OF_OWN_LOOPS)
        or re.search(r"/lib/python3\.\d+/", file)
    )
