"""`saddle serve` as a process: it says where it is, answers, and ends at Ctrl-C though pages are open."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.waiting import PROCESS_SECONDS


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "kept").mkdir()
    command = [
        sys.executable,
        "-m",
        "saddle.cli",
        "serve",
        "--storage",
        "kept",
        "--no-browser",
        "--token",
        "password=x",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_though_a_page_is_open(server: subprocess.Popen[str], number: int) -> None:
    assert server.stdout is not None
    assert server.stdout.readline().startswith("saddle serves ")
    address = urlsplit(server.stdout.readline().strip())
    assert (address.hostname, address.query) == ("127.0.0.1", "token=password=x"), "the token is shown as it is"
    page = HTTPConnection(address.netloc, timeout=PROCESS_SECONDS)
    page.request("GET", "/events", headers={"Authorization": "Bearer password=x"})
    answer = page.getresponse()
    assert answer.status == 200
    assert answer.readline().startswith(b"retry:")
    server.send_signal(number)
    assert server.wait(timeout=PROCESS_SECONDS) == 0
    assert server.stdout.read() == "Ctrl-C ends it.\n", "nothing else, such as a traceback"
