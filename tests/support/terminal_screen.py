"""A command in a pseudo-terminal, and what its screen shows while it runs."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Sequence

import pyte

WIDTH, HEIGHT = 100, 40


def screens(command: Sequence[str], seconds: float = 300) -> Iterator[str]:
    """The screen of the terminal after every change, until the command ends.

    Raises `AssertionError` if it has not ended after `seconds`.
    """
    process, terminal = pty.fork()
    if process == 0:
        os.execvp(command[0], [*command])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    screen = pyte.Screen(WIDTH, HEIGHT)
    stream = pyte.ByteStream(screen)
    deadline, shown = time.monotonic() + seconds, ""
    try:
        while content := _read(terminal, deadline):
            stream.feed(content)
            now = "\n".join(line.rstrip() for line in screen.display).rstrip()
            if now != shown:
                shown = now
                yield now
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


def _read(terminal: int, deadline: float) -> bytes:
    """The next output; empty once the command has ended."""
    ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
    assert ready, "the command printed nothing more and did not end"
    try:
        return os.read(terminal, 65536)
    except OSError:  # on Linux this means that the other end was closed
        return b""
