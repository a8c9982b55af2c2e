"""A real S3 server on loopback, SeaweedFS: a separate program with data in a folder and its own version of S3."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from saddle.track.server import free_port
from tests.support.infra_tools import program
from tests.support.s3 import S3, SECRET, environment
from tests.support.waiting import PROCESS_SECONDS, wait_until

ACCESS_KEY = environment("")["AWS_ACCESS_KEY_ID"]
OPTIONS = (
    "server", "-dir=.", "-ip=", "-ip.bind=", "-volume.max=1000", "-master.volumeSizeLimitMB=32",
    "-master.telemetry=false", "-s3", "-s3.port=",
    "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.config=",
)  # fmt: skip
"""The options of the compose file, with many small volumes, as each bucket of a test has its own."""
START_SECONDS = 240.0


@dataclass
class SeaweedFS:
    """A running server; `endpoint` is its address, `folder` has all its data."""

    endpoint: str
    folder: Path
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """SIGKILL: its own end takes minutes."""
        self.process.kill()
        self.process.wait(PROCESS_SECONDS)


@contextlib.contextmanager
def serving_seaweedfs(folder: Path, options: Sequence[str] = OPTIONS) -> Iterator[SeaweedFS]:
    """A server with these options, whose addresses, ports and paths are replaced by free ones below `folder`.

    It knows one user, with the fake credentials of `tests.support.s3`.
    """
    weed = program("weed")
    user = {"name": "saddle", "actions": ["Admin"], "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET}]}
    (folder / "data").mkdir(parents=True)
    (folder / "identities.json").write_text(json.dumps({"identities": [user]}))
    ports = {name: free_port() for name in ("s3", "master", "volume", "filer")}
    own = {
        "-dir": str(folder / "data"), "-ip": "127.0.0.1", "-ip.bind": "127.0.0.1", "-s3.port": str(ports["s3"]),
        "-s3.config": str(folder / "identities.json"),
    }  # fmt: skip
    parts = [option.partition("=") for option in options]
    command = [name + (equals and f"={own.get(name, value)}") for name, equals, value in parts]
    command += [f"-{name}.port={ports[name]}" for name in ("master", "volume", "filer")]
    command += [f"-{name}.port.grpc={free_port()}" for name in ("master", "volume", "filer", "s3")]
    command += [f"-{name}.localSocket={folder}/{name}.sock" for name in ("filer", "s3")]
    log = folder / "weed.log"
    with log.open("wb") as output:
        process = subprocess.Popen([weed, *command], stdout=output, stderr=subprocess.STDOUT, cwd=folder)
    server = SeaweedFS(f"http://127.0.0.1:{ports['s3']}", folder, process)
    try:
        wait_until(
            lambda: makes_bucket(server.endpoint), "a bucket of the S3 server", START_SECONDS, process=process,
            pause=0.5, show=lambda: log.read_text(errors="replace")[-2000:],
        )  # fmt: skip
        yield server
    finally:
        server.kill()


def makes_bucket(endpoint: str, name: str = "saddle") -> bool:
    """Whether the server has made a bucket; it answers some seconds before it can do so."""
    from botocore.exceptions import BotoCoreError, ClientError

    session = boto3.session.Session(ACCESS_KEY, SECRET, region_name="us-east-1")
    try:
        session.client("s3", endpoint_url=endpoint).create_bucket(Bucket=name)
    except (BotoCoreError, ClientError):
        return False
    return True


@pytest.fixture(scope="session")
def seaweedfs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the one server of a test session; tests use `real_s3`."""
    with serving_seaweedfs(tmp_path_factory.mktemp("seaweedfs") / "server") as server:
        yield server.endpoint


@pytest.fixture
def real_s3(seaweedfs_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """The server, with the environment set to it as by `s3` for moto's."""
    monkeypatch.setenv("SADDLE_HOME", str(tmp_path / "home"))
    for name, value in environment(seaweedfs_server).items():
        monkeypatch.setenv(name, value)
    server = S3(seaweedfs_server)
    yield server
    with contextlib.suppress(Exception):  # leftovers of a test are not a failure of the next one
        server.empty()
