"""A real PostgreSQL on loopback, which tests may stop and start again while something uses it."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.support.waiting import wait_until

Mode = Literal["smart", "fast", "immediate"]
SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
START_SECONDS = 120.0
STOP_SECONDS = 120.0
USER = "saddle"

# fast, and safe unless the machine itself fails: commits survive even an `immediate` stop
SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "60", "shared_buffers": "32MB"}


def programs() -> Path:
    """The folder of PostgreSQL's programs; skips if there is none, or fails if it should be there (CI)."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).parent
    reason = "postgresql not on this machine"
    if os.environ.get("SADDLE_REQUIRE_SYSTEM"):
        pytest.fail(reason)
    pytest.skip(reason)


def unprivileged() -> dict[str, Any]:
    """How a process is started as a user whom PostgreSQL accepts; it refuses root."""
    if os.geteuid() != 0:
        return {}
    with contextlib.suppress(KeyError):
        return {"user": pwd.getpwnam("postgres").pw_uid, "group": pwd.getpwnam("postgres").pw_gid, "extra_groups": []}
    return {"user": "nobody", "group": "nogroup", "extra_groups": []}


class Postgres:
    """One server with a password; `url` stays the same when it is restarted."""

    def __init__(self) -> None:
        self.bin = programs()
        self.password = secrets.token_hex(8)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        # not below pytest's own temporary folder, which only its owner can access
        self.folder = Path(tempfile.mkdtemp(prefix="saddle-postgres-"))
        self.process: subprocess.Popen[bytes] | None = None
        password = self.folder / "password"
        password.write_text(self.password)
        owner = unprivileged()
        if owner:
            for path in (self.folder, password):
                shutil.chown(path, owner["user"], owner["group"])
        subprocess.run(
            [self.bin / "initdb", "--pgdata", self.folder / "data", "--username", USER, "--pwfile", password,
             "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"],
            check=True, capture_output=True, timeout=START_SECONDS, cwd=self.folder, **owner,
        )  # fmt: skip

    def url(self, database: str = "postgres") -> str:
        """The address of a database, password included, as SQLAlchemy takes it."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The address of a new, empty database."""
        name = f"test_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, statement: str, url: str | None = None) -> list[tuple[Any, ...]]:
        """Run one statement, in the database at `url` if given; its rows."""
        import psycopg

        with psycopg.connect(url or self.url(), autocommit=True, connect_timeout=60) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start the server and return once it accepts connections."""
        assert not self.running
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        log = (self.folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.folder / "data", "-p", str(self.port), "-h", "127.0.0.1",
                 "-k", self.folder, *options],
                stdout=log, stderr=subprocess.STDOUT, cwd=self.folder, start_new_session=True, **unprivileged(),
            )  # fmt: skip
        wait_until(self.answers, "PostgreSQL's answer", START_SECONDS, process=self.process, show=self.log)

    def answers(self) -> bool:
        """Whether it accepts connections."""
        with contextlib.suppress(Exception):
            return bool(self.execute("SELECT 1"))
        return False

    def stop(self, mode: Mode = "fast") -> None:
        """Stop the server: `fast` closes connections in an orderly way, `immediate` is a crash with recovery later."""
        if self.process is None:
            return
        self.process.send_signal(SIGNALS[mode])
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
            raise AssertionError(f"PostgreSQL did not stop within {STOP_SECONDS:g} s:\n{self.log()}") from None
        self.process = None

    def restart(self, mode: Mode = "fast", pause: float = 0.0) -> None:
        """Stop, wait for `pause` seconds, start on the same port."""
        self.stop(mode)
        time.sleep(pause)
        self.start()

    def log(self) -> str:
        """The end of the server's log."""
        path = self.folder / "log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def remove(self) -> None:
        """Stop the server and delete its data."""
        try:
            self.stop("immediate")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """The one server of a test session."""
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def postgres(postgres_server: Postgres) -> Postgres:
    """The running server, regardless of what an earlier test did to it."""
    if not postgres_server.running:
        postgres_server.start()
    return postgres_server
