"""A real Ray cluster of several nodes on loopback, none of which has saddle, and whose nodes tests may kill."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import psutil
import pytest

from tests.support.bare_environment import make_environment
from tests.support.far_network import FarNetwork
from tests.support.ray_node import STOP_SECONDS, Node, kill_all
from tests.support.waiting import wait_until

LOOPBACK = "127.0.0.1"
HIDE = 'mount -t tmpfs none "$0" && exec "$@"'
START_SECONDS = 120.0
STARTED = "Ray runtime started."
"""Printed after the cluster knows a node; one that was too slow may also be known, and then end."""
TOO_SLOW = "The current node timed out during startup"
OBJECT_STORE_BYTES = 100 * 2**20  # Ray refuses less than 75 MiB


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RayNodes:
    """A cluster with a dashboard and token authentication, its nodes at the address `ip`; use as a context manager.

    `dashboard` is where jobs are submitted, `address` what `ray.init` takes, `client` the address of Ray Client.
    """

    def __init__(
        self,
        *,
        authenticate: bool = True,
        host: str = LOOPBACK,
        ip: str = LOOPBACK,
        extra: dict[str, str] | None = None,
    ) -> None:
        # a short path outside pytest's folders: the path of a Unix socket has 107 characters at most
        self.folder = Path(tempfile.mkdtemp(prefix="saddle-ray-", dir="/tmp"))
        self.token = secrets.token_hex(16) if authenticate else None
        self.python = make_environment(self.folder / "env")
        self.port, self.dashboard_port, self.client_port = free_port(), free_port(), free_port()
        self.host, self.ip, self.extra = host, ip, extra or {}
        self.nodes: list[Node] = []

    @property
    def address(self) -> str:
        return f"{self.ip}:{self.port}"

    @property
    def dashboard(self) -> str:
        return f"http://{self.host}:{self.dashboard_port}"

    @property
    def client(self) -> str:
        return f"ray://{self.ip}:{self.client_port}"

    @property
    def head(self) -> Node:
        return self.nodes[0]

    def access(self) -> dict[str, str]:
        """The variables with which a process may use the cluster, and finds it as `auto`."""
        token = {"RAY_AUTH_TOKEN": self.token} if self.token else {}
        return {"RAY_AUTH_MODE": "token" if token else "disabled", **token, "RAY_TMPDIR": str(self.folder)}

    def environment(self) -> dict[str, str]:
        """A node's whole environment: nothing of this process except the language."""
        return {
            **self.access(),
            "PATH": f"{self.python.parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INDEX": "1",  # a node gets its packages from the job
            "RAY_usage_stats_enabled": "0",
            "RAY_worker_niceness": "0",  # next to other tests on a busy machine they would starve
            **self.extra,
        }

    def start(self, *cpus: int) -> RayNodes:
        """Start the head and further nodes, one for each number of CPUs, and wait until the cluster has all."""
        self.start_head(cpus[0])
        for number in cpus[1:]:
            self.add_node(number)
        return self

    def start_head(self, cpus: int) -> None:
        """Start the head, also as a replacement of one that has ended."""
        self.nodes[:1] = []
        # a file on this machine that makes Ray take a dead head for a running one, while nodes wait for it here
        (self.scratch("head") / "ray_current_cluster").unlink(missing_ok=True)
        head = self._start(
            "head", cpus, "--head", "--port", str(self.port), "--dashboard-host", self.host,
            "--dashboard-port", str(self.dashboard_port), "--ray-client-server-port", str(self.client_port),
            "--include-dashboard", "true", *self.head_options(),
        )  # fmt: skip
        self.nodes.sort(key=lambda node: node is not head)

    def head_options(self) -> list[str]:
        """Further options of the head; their files may be in `folder`."""
        return []

    def add_node(
        self, cpus: int, hidden: Path | None = None, network: FarNetwork | None = None, ip: str | None = None
    ) -> Node:
        """Start one more node, for which the folder `hidden` is empty; wait until the cluster knows it.

        It is in the `network` if given, else at the head's address unless it has its own `ip`.
        """
        name = f"node{len(self.nodes)}"
        return self._start(name, cpus, "--address", self.address, hidden=hidden, network=network, ip=ip)

    def _start(self, name: str, *options: Any, starts: int = 3, **surroundings: Any) -> Node:
        """Launch a node until the cluster knows it: on a busy machine that takes longer than the 30 s of Ray's."""
        node = self._launch(name, *options, **surroundings)
        try:
            self.wait_for_nodes(sum(1 for known in self.nodes if known.process.poll() is None), starting=node)
        except AssertionError:
            if starts == 1 or TOO_SLOW not in node.said():
                raise
            kill_all(self.strays(f"{self.scratch(name)}/"))  # its raylet may still come up
            self.nodes.remove(node)
            return self._start(name, *options, starts=starts - 1, **surroundings)
        return node

    def spare_port(self) -> str:
        """A free port that is not one of the head's, which are free while it is down."""
        own = (self.port, self.dashboard_port, self.client_port)
        return str(next(port for port in iter(free_port, None) if port not in own))

    def scratch(self, name: str) -> Path:
        """The folder of a node's files, as on a separate machine: else two nodes would install packages together."""
        return self.folder / ("ray" if name == "head" else name)  # `auto` looks for a cluster in the first

    def _launch(
        self,
        name: str,
        cpus: int,
        *options: str,
        hidden: Path | None = None,
        network: FarNetwork | None = None,
        ip: str | None = None,
    ) -> Node:
        log = self.folder / f"{name}.log"
        command = [
            self.python, "-m", "ray.scripts.scripts", "start", "--block",
            "--node-ip-address", network.far if network else ip or self.ip,
            "--num-cpus", str(cpus), "--num-gpus", "0", "--object-store-memory", str(OBJECT_STORE_BYTES),
            "--resources", json.dumps({name: 1}), "--disable-usage-stats", "--metrics-export-port", self.spare_port(),
            "--dashboard-agent-listen-port", self.spare_port(), "--temp-dir", self.scratch(name), *options,
        ]  # fmt: skip
        if hidden is not None:
            command = ["unshare", "--map-root-user", "--mount", "sh", "-c", HIDE, hidden, *command]
        if network is not None:
            command = [*network.prefix(), *command]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=self.folder,
                env=self.environment(), start_new_session=True,
            )  # fmt: skip
        self.nodes.append(Node(name, process, log))
        return self.nodes[-1]

    def alive(self) -> int:
        """How many nodes the cluster considers alive."""
        nodes = self.get("/api/v0/nodes?detail=0")["data"]["result"]["result"]
        return sum(1 for node in nodes if node["state"] == "ALIVE")

    def get(self, path: str, method: str = "GET") -> Any:
        """The answer of the dashboard's API."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        request = urllib.request.Request(self.dashboard + path, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def wait_for_nodes(self, count: int, seconds: float = START_SECONDS, starting: Node | None = None) -> None:
        """Wait until the cluster considers exactly `count` nodes alive; fails immediately if `starting` ends."""
        counted: list[int] = []

        def all_alive() -> bool:
            with contextlib.suppress(OSError, KeyError, TypeError, ValueError):
                counted.append(self.alive())
            return counted[-1:] == [count] and (starting is None or STARTED in starting.log.read_text(errors="replace"))

        wait_until(
            all_alive, f"the life of {count} nodes", seconds, process=starting and starting.process, pause=0.2,
            show=lambda: f"{counted[-1:]} nodes; ended: {self.ended()}\n{(starting or self.nodes[-1]).said()}",
        )  # fmt: skip

    def ended(self) -> list[str]:
        """The names of the nodes whose command has ended."""
        return [node.name for node in self.nodes if node.process.poll() is not None]

    def stop(self) -> None:
        """Kill all started processes, including the orphans of killed nodes, and delete the folder."""
        started = [process for node in self.nodes for process in node.processes()]
        kill_all([*started, *self.strays()])
        for node in self.nodes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                node.process.wait(STOP_SECONDS)
        kill_all(self.strays())  # what was being started meanwhile
        shutil.rmtree(self.folder, ignore_errors=True)

    def strays(self, path: str = "") -> list[psutil.Process]:
        """Every process that names a path below the cluster's folder, or `path`, with any parent."""
        processes = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                folder = Path(f"/proc/{process.pid}")
                description = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
                if (path or f"{self.folder}/").encode() in description and process.pid != os.getpid():
                    processes.append(process)
        return processes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


@pytest.fixture(scope="module")
def ray_nodes() -> Iterator[RayNodes]:
    """A cluster of two nodes with two CPUs each."""
    with RayNodes() as cluster:
        yield cluster.start(2, 2)
