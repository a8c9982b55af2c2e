"""What a process can lack: a home, a name for its user, a working directory, an output in UTF-8, a way past proxies."""

from __future__ import annotations

import getpass
import json
import os
import pwd
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests

from saddle import process_setup
from saddle.cluster.connection import LONGEST_FOLDER, SHORT_FOLDERS, require_text_arguments, short_folder
from saddle.errors import ClusterError
from tests.support.waiting import join_all

SADDLE = (sys.executable, "-m", "saddle.cli")
PROXIES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy")
DEAD_PROXY = "http://127.0.0.1:9"


def run(*arguments: str, cwd: Path, env: Mapping[str, str] = {}, before: tuple[str, ...] = ()) -> tuple[int, str]:
    """Exit code and output of a command with nothing in its environment but `env`."""
    done = subprocess.run(
        [*before, *SADDLE, *arguments],
        cwd=cwd,
        env={"PATH": os.defpath, **env},
        capture_output=True,
        timeout=120,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).decode("latin-1")


@pytest.mark.parametrize("command", [["studies"], ["plan", "quickstart"], ["data", "list"], ["doctor"]], ids=" ".join)
def test_a_deleted_working_directory_is_said_in_a_line(tmp_path: Path, command: list[str]) -> None:
    gone = f"cd {tmp_path} && mkdir gone && cd gone && rmdir ../gone && exec {sys.executable} -m saddle.cli"
    done = subprocess.run(
        ["sh", "-c", f"{gone} {' '.join(command)}"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("saddle: the working directory no longer exists: change into one")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_an_output_that_is_not_in_utf_8_gets_its_own_signs(tmp_path: Path, encoding: str) -> None:
    code, text = run("plan", "quickstart", cwd=tmp_path, env={"PYTHONIOENCODING": encoding, "HOME": str(tmp_path)})
    assert code == 0, text
    assert "Which lower bound of alpha0, learning rate and epsilon-schedule" in text
    code, text = run("--help", cwd=tmp_path, env={"PYTHONIOENCODING": encoding, "HOME": str(tmp_path)})
    assert code == 0, text


def test_json_keeps_its_values_whatever_the_encoding(tmp_path: Path) -> None:
    env = {"PYTHONIOENCODING": "ascii", "HOME": str(tmp_path)}
    code, text = run("plan", "quickstart", "--json", cwd=tmp_path, env=env)
    assert code == 0
    assert json.loads(text)[0]["question"].startswith("Which lower bound of α₀, learning rate and ε-schedule")


def test_bytes_of_a_path_that_are_no_text_are_shown(tmp_path: Path) -> None:
    code, text = run("plan", "st\udcff.yaml", cwd=tmp_path, env={"HOME": str(tmp_path)})
    assert code == 2
    assert "Traceback" not in text


def test_a_user_whom_the_system_does_not_know(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unknown(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("USER", "")  # so that what is set here is undone
    monkeypatch.setenv("HOME", "")
    process_setup.name_user()
    process_setup.find_home()
    assert getpass.getuser() == f"uid{os.getuid()}"
    assert Path.home().parent == tmp_path
    assert Path.home().stat().st_mode & 0o777 == 0o700


def test_a_home_that_is_a_link_of_somebody_else_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("HOME", "/nonexistent")
    (tmp_path / f"home-of-uid{os.getuid()}").symlink_to("/etc")
    process_setup.find_home()
    assert Path.home().parent == tmp_path
    assert not Path.home().is_symlink()


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root can be somebody else")
def test_every_name_of_the_user_may_be_missing(tmp_path: Path) -> None:
    capabilities = "+dac_override,+dac_read_search"
    somebody = ("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", f"--inh-caps={capabilities}")
    env = {"TMPDIR": str(tmp_path)}
    before = (*somebody, f"--ambient-caps={capabilities}")
    for command in (["plan", "quickstart"], ["data", "list"]):
        code, text = run(*command, cwd=tmp_path, env=env, before=before)
        assert code == 0, text
        assert "Traceback" not in text


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def loopback_server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        join_all(thread)


@pytest.mark.parametrize(("excepted", "kept"), [("", ()), ("intern.example,192.0.2.1", ("intern.example",)), ("*", ())])
def test_loopback_is_asked_past_the_proxy(
    monkeypatch: pytest.MonkeyPatch, loopback_server: str, excepted: str, kept: tuple[str, ...]
) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, DEAD_PROXY)
    monkeypatch.setenv("NO_PROXY", excepted)
    monkeypatch.setenv("no_proxy", excepted)
    process_setup.keep_loopback_from_proxies()
    process_setup.keep_loopback_from_proxies()  # once more changes nothing
    assert all(host in os.environ["no_proxy"].split(",") for host in kept)
    assert os.environ["no_proxy"].count("localhost") <= 1
    # an opener of its own: the one that `urlopen` makes keeps the proxies for whoever asks in this process later
    with urllib.request.build_opener().open(loopback_server, timeout=60) as answer:
        assert answer.status == 200
    assert requests.get(loopback_server, timeout=60).status_code == 200
    assert requests.get(loopback_server.replace("127.0.0.1", "localhost"), timeout=60).status_code == 200


def test_without_a_proxy_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    process_setup.keep_loopback_from_proxies()
    assert "no_proxy" not in os.environ


@pytest.mark.parametrize("variable", ["RAY_TMPDIR", "TMPDIR"])
def test_a_folder_too_long_for_sockets_is_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    long = tmp_path / ("x" * LONGEST_FOLDER)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv(variable, str(long))
    assert str(short_folder()) in SHORT_FOLDERS
    monkeypatch.setattr("saddle.cluster.connection.SHORT_FOLDERS", ("/nonexistent",))
    with pytest.raises(ClusterError, match=r"is too long for Ray's sockets.*set RAY_TMPDIR to a folder whose path"):
        short_folder()


def test_a_short_folder_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", "/tmp/r")
    assert str(short_folder()) == "/tmp/r"


def test_arguments_that_are_no_text_are_refused_before_ray_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["saddle", "run", "st\udcff.yaml"])
    with pytest.raises(ClusterError, match=r"the argument st\\xff.yaml has bytes that are not UTF-8 text"):
        require_text_arguments()
