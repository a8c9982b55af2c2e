"""A real in-memory Redis on loopback, for the state of a Ray cluster's head."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.browser import require_system
from tests.support.ray_nodes import LOOPBACK, free_port
from tests.support.waiting import PROCESS_SECONDS, wait_until


@contextlib.contextmanager
def serving_redis(folder: Path) -> Iterator[str]:
    """The server's HOST:PORT; skips the test if there is no Redis."""
    require_system("redis-server")
    port, log = free_port(), folder / "redis.log"
    options = ("--bind", LOOPBACK, "--port", str(port), "--dir", str(folder), "--save", "", "--appendonly", "no")
    with log.open("wb") as output:
        process = subprocess.Popen(["redis-server", *options], stdout=output, stderr=subprocess.STDOUT, cwd=folder)
    try:
        wait_until(lambda: answers(port), "Redis's answer", process=process, show=log.read_text)
        yield f"{LOOPBACK}:{port}"
    finally:
        process.kill()
        process.wait(PROCESS_SECONDS)


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=10) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith(b"+PONG")
    return False
