"""The pages of a storage over HTTP on loopback, and a study that another process runs."""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from saddle.serve.server import listen, make_server
from saddle.store.base import Store
from tests.support.waiting import join_all

ANSWER_SECONDS = 120

DRIVER = """
import sys
from saddle.store.open import open_store
from tests.support.in_process import run_in_process

run_in_process(open_store(sys.argv[1]), sys.stdin.read(), track=False)
"""


@dataclass(frozen=True)
class Answer:
    """The answer to a request."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()


@dataclass(frozen=True)
class Served:
    """A running server; `address` contains the token if it demands one."""

    address: str

    @property
    def host(self) -> str:
        """The Host header of its own pages."""
        return urlsplit(self.address).netloc

    def ask(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
        """The server's answer; an underscore in a header's name stands for a hyphen."""
        connection = http.client.HTTPConnection(self.host, timeout=ANSWER_SECONDS)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, headers={"Host": self.host, **named})
            answer = connection.getresponse()
            answered = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, answered, answer.read())
        finally:
            connection.close()


@contextlib.contextmanager
def serving(store: Store, host: str = "127.0.0.1", token: str = "", names: tuple[str, ...] = ()) -> Iterator[Served]:
    """The pages of a storage until the block ends."""
    listening = listen(host, 0, token, names)
    server = make_server(store, listening)
    listening.socket.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening.socket]}, name="the pages")
    thread.start()
    try:
        yield Served(listening.address)
    finally:
        server.should_exit = True
        join_all(thread)


@contextlib.contextmanager
def driven_elsewhere(storage: str, text: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs the studies of `text` in a storage, until it or the block ends."""
    with subprocess.Popen([sys.executable, "-c", DRIVER, storage], stdin=subprocess.PIPE, text=True) as driver:
        try:
            assert driver.stdin is not None
            driver.stdin.write(text)
            driver.stdin.close()
            yield driver
        finally:
            driver.kill()
