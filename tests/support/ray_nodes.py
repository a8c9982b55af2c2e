"""A real Ray cluster of several nodes on loopback, none of which has saddle, and whose nodes tests may kill."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil
import pytest

from tests.support.waiting import wait_until

HIDE = 'mount -t tmpfs none "$0" && exec "$@"'
START_SECONDS = 120.0
STOP_SECONDS = 120.0
OBJECT_STORE_BYTES = 100 * 2**20  # Ray refuses less than 75 MiB
OURS = ("saddle", "__editable__", "fake_methods", "my_method", "__pycache__")
"""Beginnings of what a node's environment lacks of ours: saddle, trainables and search_spaces are one distribution."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_environment(folder: Path) -> Path:
    """A virtual environment in `folder` with the packages of this one except ours; its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=START_SECONDS)
    packages = folder / "packages"
    packages.mkdir()
    for installed in Path(sysconfig.get_path("purelib")).iterdir():
        if not installed.name.startswith(OURS):  # .pth files are not packages, and do nothing where they are linked
            (packages / installed.name).symlink_to(installed)
    [site] = (folder / "lib").glob("python*/site-packages")
    (site / "packages.pth").write_text(f"{packages}\n")
    pip = folder / "bin/pip"  # Ray installs the wheels of py_modules with the first pip on the path
    pip.write_text(f"#!{folder}/bin/python\nfrom pip._internal.cli.main import main\nraise SystemExit(main())\n")
    pip.chmod(0o755)
    return folder / "bin/python"


@dataclass
class Node:
    """One node: the process of `ray start --block` and all below it."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def processes(self) -> list[psutil.Process]:
        """The node's processes: raylet, workers, agents; on the head the cluster's own servers, too."""
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    @property
    def raylet(self) -> psutil.Process:
        """The process whose end is the node's death to the cluster."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                if Path(process.exe()).name == "raylet":
                    return process
        raise AssertionError(f"{self.name} has no raylet:\n{self.said()}")

    def workers(self) -> list[psutil.Process]:
        """What the raylet started: workers with all they started, and the node's agents."""
        return self.raylet.children(recursive=True)

    def kill(self) -> None:
        """SIGKILL for raylet and workers together, as if the machine had lost its power."""
        kill_all(self.processes())
        self.process.wait(STOP_SECONDS)

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]


def kill_all(processes: list[psutil.Process]) -> None:
    """SIGKILL, first everywhere a stop so that none can start another one meanwhile."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
    wait_until(
        lambda: not [process for process in psutil.wait_procs(processes, timeout=0)[1] if is_running(process)],
        "the end of killed processes", STOP_SECONDS,
    )  # fmt: skip


def is_running(process: psutil.Process) -> bool:
    """Whether it lives: one that has ended stays a zombie until its parent asks for it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


class RayNodes:
    """A cluster with a dashboard and token authentication on 127.0.0.1; use as a context manager.

    `dashboard` is where jobs are submitted, `address` what `ray.init` takes, `client` the address of Ray Client.
    """

    def __init__(
        self, *, authenticate: bool = True, host: str = "127.0.0.1", extra: dict[str, str] | None = None
    ) -> None:
        # a short path outside pytest's folders: the path of a Unix socket has 107 characters at most
        self.folder = Path(tempfile.mkdtemp(prefix="saddle-ray-", dir="/tmp"))
        self.token = secrets.token_hex(16) if authenticate else None
        self.python = make_environment(self.folder / "env")
        self.port, self.dashboard_port, self.client_port = free_port(), free_port(), free_port()
        self.host, self.extra = host, extra or {}
        self.nodes: list[Node] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def dashboard(self) -> str:
        return f"http://{self.host}:{self.dashboard_port}"

    @property
    def client(self) -> str:
        return f"ray://127.0.0.1:{self.client_port}"

    @property
    def head(self) -> Node:
        return self.nodes[0]

    def access(self) -> dict[str, str]:
        """The variables with which a process may use the cluster, and finds it as `auto`."""
        token = {"RAY_AUTH_TOKEN": self.token} if self.token else {}
        return {"RAY_AUTH_MODE": "token" if token else "disabled", **token, "RAY_TMPDIR": str(self.folder)}

    def environment(self) -> dict[str, str]:
        """A node's whole environment: nothing of ours but the language."""
        return {
            **self.access(),
            "PATH": f"{self.python.parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INDEX": "1",  # what a node needs it is sent
            "RAY_usage_stats_enabled": "0",
            **self.extra,
        }

    def start(self, *cpus: int) -> RayNodes:
        """Start the head and further nodes, one for each number of CPUs, and wait until the cluster has all."""
        self._launch(
            "head", cpus[0], "--head", "--port", str(self.port), "--dashboard-host", self.host,
            "--dashboard-port", str(self.dashboard_port), "--ray-client-server-port", str(self.client_port),
            "--include-dashboard", "true", *self.head_options(),
        )  # fmt: skip
        self.wait_for_nodes(1, starting=self.head)
        for number in cpus[1:]:
            self.add_node(number)
        return self

    def head_options(self) -> list[str]:
        """Further options of the head; what they name may lie in `folder`."""
        return []

    def add_node(self, cpus: int, hidden: Path | None = None) -> Node:
        """Start one more node, to which the folder `hidden` is another, empty one; wait until the cluster knows it."""
        node = self._launch(f"node{len(self.nodes)}", cpus, "--address", self.address, hidden=hidden)
        self.wait_for_nodes(sum(1 for known in self.nodes if known.process.poll() is None), starting=node)
        return node

    def _launch(self, name: str, cpus: int, *options: str, hidden: Path | None = None) -> Node:
        log = self.folder / f"{name}.log"
        # a folder of its own, as on a machine of its own: two nodes would install what they are sent into one place at
        # once; that of the head is where a driver looks that is to find the cluster as `auto`
        scratch = self.folder / ("ray" if not self.nodes else name)
        command = [
            self.python, "-m", "ray.scripts.scripts", "start", "--block", "--node-ip-address", "127.0.0.1",
            "--num-cpus", str(cpus), "--num-gpus", "0", "--object-store-memory", str(OBJECT_STORE_BYTES),
            "--resources", json.dumps({name: 1}), "--disable-usage-stats", "--metrics-export-port", str(free_port()),
            "--dashboard-agent-listen-port", str(free_port()), "--temp-dir", scratch, *options,
        ]  # fmt: skip
        if hidden is not None:
            command = ["unshare", "--map-root-user", "--mount", "sh", "-c", HIDE, hidden, *command]
        with log.open("wb") as said:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, cwd=self.folder,
                env=self.environment(), start_new_session=True,
            )  # fmt: skip
        self.nodes.append(Node(name, process, log))
        return self.nodes[-1]

    def alive(self) -> int:
        """How many nodes the cluster takes to be alive."""
        found = self.get("/api/v0/nodes?detail=0")["data"]["result"]["result"]
        return sum(1 for node in found if node["state"] == "ALIVE")

    def get(self, path: str, method: str = "GET") -> Any:
        """What the dashboard's API answers."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        request = urllib.request.Request(self.dashboard + path, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def wait_for_nodes(self, count: int, seconds: float = START_SECONDS, starting: Node | None = None) -> None:
        """Wait until the cluster takes just `count` nodes to be alive; fails at once where `starting` ends."""
        counted: list[int] = []

        def all_alive() -> bool:
            with contextlib.suppress(OSError, KeyError, TypeError, ValueError):
                counted.append(self.alive())
            return counted[-1:] == [count]

        wait_until(
            all_alive, f"the life of {count} nodes", seconds, process=starting and starting.process, pause=0.2,
            show=lambda: f"{counted[-1:]} nodes\n{(starting or self.nodes[-1]).said()}",
        )  # fmt: skip

    def stop(self) -> None:
        """Kill what was started, by process, the orphans of killed nodes included, and delete the folder."""
        started = [process for node in self.nodes for process in node.processes()]
        kill_all([*started, *self.strays()])
        for node in self.nodes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                node.process.wait(STOP_SECONDS)
        kill_all(self.strays())  # what was being started meanwhile
        shutil.rmtree(self.folder, ignore_errors=True)

    def strays(self) -> list[psutil.Process]:
        """Every process that runs the nodes' Python or names the cluster's folder, whoever its parent is now."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                folder = Path(f"/proc/{process.pid}")
                said = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
                if f"{self.folder}/".encode() in said and process.pid != os.getpid():
                    found.append(process)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


@pytest.fixture(scope="module")
def ray_nodes() -> Iterator[RayNodes]:
    """A cluster of two nodes with two CPUs each."""
    with RayNodes() as cluster:
        yield cluster.start(2, 2)
