"""`saddle nightly` as a process, on the code of a scratch repository, with a recorded webhook."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.nightly_repository import ScratchRepository

NIGHT_SECONDS = 580
"""Seconds that a night may take on a busy machine: a guard against hanging."""


@dataclass
class NightlyProcess:
    """`saddle nightly` in `folder`, which has the study `scratch.yaml` and the storage `runs`."""

    folder: Path
    scratch: ScratchRepository
    variables: dict[str, str] = field(default_factory=dict)

    def start(self, command: str, *arguments: str) -> subprocess.Popen[str]:
        """The process, running."""
        return subprocess.Popen(
            [sys.executable, "-m", "saddle.cli", "nightly", command, "scratch.yaml", *arguments],
            cwd=self.folder,
            env={**self.scratch.environment, **self.variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str, *arguments: str, code: int = 0) -> str:
        """Its output until it ends, with the exit code `code`."""
        process = self.start(command, *arguments)
        output, _ = process.communicate(timeout=NIGHT_SECONDS)
        assert process.returncode == code, output
        return output

    @property
    def pages(self) -> Path:
        """The folder of the nightly in the storage."""
        return self.folder / "runs/studies/scratch@nightly"

    def index(self) -> list[dict[str, Any]]:
        """The nights from the JSON next to the page."""
        nights: list[dict[str, Any]] = json.loads((self.pages / "index.json").read_text())["nights"]
        return nights


@dataclass
class Webhook:
    """A server that records requests; it answers with the first remaining one of `answers`, then with 200."""

    address: str = ""
    answers: list[int] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """The texts that it received."""
        return [body["text"] for body in self.bodies]


@contextmanager
def listening(secret: str) -> Iterator[Webhook]:
    """A webhook on this machine whose path is a secret."""
    webhook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = webhook.answers.pop(0) if webhook.answers else 200
            if self.path != f"/{secret}":
                status = 404
            if status == 200:
                webhook.bodies.append(body)
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    webhook.address = f"http://127.0.0.1:{server.server_port}/{secret}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        server.server_close()
