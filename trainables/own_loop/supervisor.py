"""Runs a program and ends it with everything it started once standard input closes, as it does if its parent dies.

Started as a separate script, `python -I -S supervisor.py WORD…`, so that it needs only the standard library.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE_SECONDS = 5.0
"""Seconds that a program may take to end after it is asked to."""


def main(words: list[str]) -> int:
    """Run the program; its exit code, or 128 and the signal that ended it."""
    try:
        program = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        print(f"{words[0]} can't be started: {error.strerror}", file=sys.stderr)
        return 127
    threading.Thread(target=end_with_parent, args=(program,), daemon=True).start()
    code = program.wait()
    end_group(program.pid, signal.SIGKILL)  # processes that it left running in its group
    return code if code >= 0 else 128 - code


def end_with_parent(program: subprocess.Popen[bytes]) -> None:
    """Wait until standard input closes, then end the program's group: first asked, then killed."""
    while os.read(0, 4096):  # not sys.stdin, whose lock a thread may not hold when the interpreter ends
        pass
    end_group(program.pid, signal.SIGTERM)
    try:
        program.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        end_group(program.pid, signal.SIGKILL)


def end_group(group: int, number: signal.Signals) -> None:
    """Send a signal to all processes of a group; nothing if there are none left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
