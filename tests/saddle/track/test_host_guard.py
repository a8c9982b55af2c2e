"""MLflow's guard against foreign host names: what is documented works, and a refusal says why."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient
from typer.testing import CliRunner

from saddle.cli.app import app
from saddle.cli.checkup import find_mlflow, run_check
from saddle.errors import HostRefused, NoServer
from saddle.track.host_guard import host_refusal, require_host
from saddle.track.mlflow_tracker import MlflowTracker
from saddle.track.server import Server, free_port, page_of
from saddle.trial.run_id import RunId
from tests.support.pages import pieces
from tests.support.waiting import PROCESS_SECONDS, wait_until

pytestmark = pytest.mark.long

[DOCUMENTED] = [piece.text for piece in pieces("command") if piece.text.startswith("mlflow server")]
[DOCUMENTED_URI] = [
    piece.text.partition("=")[2] for piece in pieces("command") if piece.text.startswith("export MLFLOW_TRACKING_URI=")
]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host names of the documents stand for this machine, as a name server would have it."""
    plain = socket.getaddrinfo

    def resolve(host: Any, *rest: Any, **named: Any) -> Any:
        return plain("127.0.0.1" if host in ("head", "mlflow") else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture
def documented(tmp_path: Path, names: None) -> Iterator[str]:
    """A server started by the README's command, on a database and a port of its own; the address the README gives."""
    port = str(free_port())
    line = re.sub("postgresql://[^ ]+", f"sqlite:///{tmp_path}/mlflow.db", DOCUMENTED).replace("5000", port)
    line = line.replace("0.0.0.0", "127.0.0.1")  # nobody else is to reach a test's server
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *shlex.split(line), "--workers", "1"], cwd=tmp_path, env=environment, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        wait_until(lambda: answers(int(port)), "the server's port", 180, process=process)
        yield DOCUMENTED_URI.replace("5000", port)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(PROCESS_SECONDS)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def at_foreign_name(server: Server) -> str:
    return server.uri.replace("127.0.0.1", "mlflow")


def test_the_documented_server_answers_the_documented_name_and_no_other(documented: str) -> None:
    assert "--allowed-hosts" in DOCUMENTED
    require_host(documented)
    assert len(MlflowClient(documented).search_experiments()) == 1
    with pytest.raises(HostRefused, match=r"--allowed-hosts mlflow:\d+"):
        require_host(documented.replace("head", "mlflow"))


def test_doctor_and_plan_name_the_option(
    sqlite_server: Server, names: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = at_foreign_name(sqlite_server)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.replace("://", "://user:zq-secret@"))
    option = f"--allowed-hosts {uri.removeprefix('http://')}"
    found = run_check("mlflow", lambda: find_mlflow(str(tmp_path)))
    assert not found.ok
    assert option in found.found
    done = CliRunner().invoke(app, ["plan", "quickstart", "--storage", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    assert option in done.stderr
    assert option not in done.stdout
    assert "zq-secret" not in found.found + done.output


def test_a_study_says_it_as_it_starts_and_at_its_end(
    sqlite_server: Server, names: None, tracker_to: Callable[[str], MlflowTracker], caplog: pytest.LogCaptureFixture
) -> None:
    uri = at_foreign_name(sqlite_server)
    tracker = tracker_to(uri)
    tracker.start_study({"a": 1}, {}, [])
    wait_until(lambda: "--allowed-hosts" in caplog.text, "the warning, while the study continues")
    left = tracker.close(30)
    assert left is not None
    assert f"--allowed-hosts {uri.removeprefix('http://')}" in left
    assert len([r for r in caplog.records if "--allowed-hosts" in r.getMessage()]) == 1, "once, however often it failed"
    assert tracker_to(sqlite_server.uri).close(60) is None, "what waited is told once the name is right"


def test_a_page_of_a_study_names_it_too(sqlite_server: Server, names: None) -> None:
    with pytest.raises(HostRefused):
        page_of(at_foreign_name(sqlite_server), RunId("any"))
    with pytest.raises(NoServer, match="knows no study"):
        page_of(sqlite_server.uri, RunId("any"))


def test_no_other_answer_is_taken_for_it() -> None:
    assert host_refusal("http://head:5000", "403 Forbidden: this user may not") is None
    require_host(f"http://127.0.0.1:{free_port()}")
    require_host("postgresql://u:p@127.0.0.1:1/mlflow")
    require_host(None)
