"""A real S3 endpoint over HTTP on loopback (moto's server, in a separate process), and faults in front of it."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.faulty_proxy import FaultyProxy, faulty_proxy

START_SECONDS = 120.0
SECRET = "recognisable-secret-9d1f4e"
"""The fake secret key; it may appear nowhere."""

# ends when its parent does: its standard input is closed then
# writes are done one after the other, because moto checks a condition and writes in two steps: of a hundred races of
# four writers one had two winners, as on a server that must be refused
SERVER = """
import io
import sys
import threading
from moto.moto_server import threaded_moto_server
from moto.server import ThreadedMotoServer

class OneWriterAtATime(threaded_moto_server.DomainDispatcherApplication):
    one_by_one = threading.Lock()

    def __call__(self, environ, start_response):
        if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return super().__call__(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))  # not while others wait
        with self.one_by_one:
            return super().__call__(environ, start_response)

threaded_moto_server.DomainDispatcherApplication = OneWriterAtATime
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


@dataclass
class S3:
    """A running endpoint; the environment of the test names it and has fake credentials for it."""

    endpoint: str
    buckets: set[str] = field(default_factory=set)

    def client(self) -> Any:
        """A boto3 client of the server itself, without a proxy."""
        import boto3

        return boto3.session.Session().client("s3", endpoint_url=self.endpoint)

    def bucket(self, name: str | None = None) -> str:
        """Make a bucket, with a new name by default, and return its name."""
        name = name or f"bucket-{uuid.uuid4().hex[:12]}"
        if name not in self.buckets:
            self.client().create_bucket(Bucket=name)
            self.buckets.add(name)
        return name

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Every key of a bucket."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def empty(self) -> None:
        """Delete every bucket that was made."""
        client = self.client()
        for name in self.buckets:
            for key in self.keys(name):
                client.delete_object(Bucket=name, Key=key)
            client.delete_bucket(Bucket=name)
        self.buckets.clear()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of the one server of a test session; tests use `s3`, which also sets the environment."""
    with serving_s3() as endpoint:
        yield endpoint


@contextlib.contextmanager
def serving_s3() -> Iterator[str]:
    """A server in a separate process; its address."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=clean,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(START_SECONDS):
                raise TimeoutError(f"moto's server did not start in {START_SECONDS:.0f} s")
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=60)
        process.stdout.close()


@pytest.fixture
def s3(s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """The endpoint, with the environment set to it: `AWS_ENDPOINT_URL`, fake credentials, and nothing of the user's.

    A driver's local files go to `home` in the test's folder.
    """
    monkeypatch.setenv("SADDLE_HOME", str(tmp_path / "home"))
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment(s3_server).items():
        monkeypatch.setenv(name, value)
    server = S3(s3_server)
    yield server
    with contextlib.suppress(Exception):  # leftovers of a test are not a failure of the next one
        server.empty()


@pytest.fixture
def s3_proxy(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    """A faulty proxy in front of the endpoint; the environment is set to it instead of the endpoint."""
    with faulty_proxy(s3.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        yield proxy


def environment(endpoint: str) -> dict[str, str]:
    """The variables that a process needs to use the endpoint, without other sources of credentials."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "fake-key-of-saddle-tests",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
