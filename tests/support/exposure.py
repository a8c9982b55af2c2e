"""Where secrets are exposed: command lines, files, and Ray's state API, which answers everyone."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from tests.support.waiting import join_all

LOOK_SECONDS = 0.1
ASK_SECONDS = 2.0
READ_SECONDS = 0.3

STATE_API = (
    "/api/v0/actors?detail=1", "/api/v0/tasks?detail=1", "/api/v0/workers?detail=1", "/api/v0/runtime_envs?detail=1",
    "/api/v0/objects?detail=1", "/api/v0/jobs?detail=1", "/api/v0/nodes?detail=1", "/api/v0/placement_groups?detail=1",
    "/logical/actors", "/nodes?view=summary", "/api/jobs/",
)  # fmt: skip


def found_in(content: bytes, secrets: Sequence[str]) -> list[str]:
    """Which of the secrets it contains, verbatim or as a URL writes them."""
    return [secret for secret in secrets if secret.encode() in content or quote(secret, safe="").encode() in content]


def files_with(folder: Path, secrets: Sequence[str]) -> dict[str, list[str]]:
    """Every file below a folder that contains a secret."""
    exposed = {}
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file() and (leaked := found_in(path.read_bytes(), secrets)):
                exposed[str(path)] = leaked
    return exposed


def command_lines_with(secrets: Sequence[str]) -> dict[str, list[str]]:
    """Every command line on this machine that now contains a secret."""
    exposed = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            content = path.read_bytes()
            if leaked := found_in(content, secrets):
                exposed[content[:80].replace(b"\0", b" ").decode(errors="replace")] = leaked
    return exposed


@contextlib.contextmanager
def watch(
    secrets: Sequence[str], ask: Callable[[str], str] | None = None, folder: Path | None = None
) -> Iterator[dict[str, list[str]]]:
    """What exposes a secret until the block ends: every command line, every file below `folder`, and the state API.

    `ask` gets a path of the dashboard's API and returns the answer. A Ray that saddle starts removes its session's
    files at the end, so they are read while it runs; raises `AssertionError` if there were none.
    """
    logs: set[str] = set()

    def read_files() -> None:
        while folder is not None and not ended.wait(READ_SECONDS):
            exposed.update(files_with(folder, secrets))
            logs.update(path.name for path in folder.rglob("*.log"))

    exposed: dict[str, list[str]] = {}
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            exposed.update(command_lines_with(secrets))

    def ask_all() -> None:
        while ask is not None and not ended.wait(ASK_SECONDS):
            for path in STATE_API:
                with contextlib.suppress(OSError):
                    if leaked := found_in(ask(path).encode(), secrets):
                        exposed[path] = leaked

    threads = [threading.Thread(target=work, daemon=True) for work in (look, ask_all, read_files)]
    for thread in threads:
        thread.start()
    try:
        yield exposed
    finally:
        ended.set()
        join_all(*threads)
    assert folder is None or {"runtime_env_agent.log", "dashboard_agent.log"} <= logs, logs
