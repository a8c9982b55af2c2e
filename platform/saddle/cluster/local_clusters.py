"""The Ray clusters that have a node on this machine, and which of them may be joined.

A cluster is joined only where somebody started it as one (`ray start`). What `ray.init` starts is one program's own and
ends with it, a study's private Ray among them; Ray's own `auto` doesn't distinguish the two.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from saddle.store.scratch import PREFIX

TEMPORARY = "r"
"""The folder of a private Ray below its scratch folder; short, for the path of a Unix socket has 107 bytes at most."""

CREATOR = re.compile(r"session_[\d_-]+_(\d+)")
"""Ray's name of a session ends with the number of the process that created it."""


@dataclass(frozen=True)
class LocalNode:
    """A raylet of this machine: its cluster's address, and whose it is."""

    address: str
    temporary: str
    """The folder of its sessions."""
    private_to: int | None
    """The process that started the cluster for itself; None if it was started as a cluster."""


def local_nodes() -> list[LocalNode]:
    """Every raylet that runs on this machine, as far as this process may see them."""
    clusters = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # ended meanwhile
            command = process.cmdline()
            if command and Path(command[0]).name == "raylet" and process.status() != psutil.STATUS_ZOMBIE:
                clusters.append(read_node(command, process))
    return [node for node in clusters if node.address]


def read_node(command: Sequence[str], process: psutil.Process) -> LocalNode:
    """The node that a raylet's command line names; Ray writes its options with dashes or underscores."""
    raw = dict(part[2:].partition("=")[::2] for part in command if part.startswith("--"))
    options = {name.replace("_", "-"): value for name, value in raw.items()}
    temporary = options.get("temp-dir", "")
    creator = CREATOR.fullmatch(Path(options.get("session-dir", "")).name)
    parent = process.parent()
    private_to = None
    # a head that `ray start` left has another parent; one that it waits for (--block) is its child
    if "head" in options and creator and parent and parent.pid == int(creator[1]) and not is_ray_start(parent):
        private_to = parent.pid
    elif is_of_saddle(temporary):
        private_to = int(creator[1]) if creator else 0
    return LocalNode(options.get("gcs-address", ""), temporary, private_to)


def is_ray_start(process: psutil.Process) -> bool:
    """Whether the process is the command that starts a node of a cluster."""
    words = [Path(word).name for word in process.cmdline()]
    return "start" in words and bool({"ray", "ray.scripts.scripts", "scripts.py"} & set(words))


def is_of_saddle(temporary: str) -> bool:
    """Whether this is the folder of a Ray that saddle started for one run (see `cluster`)."""
    folder = Path(temporary)
    return folder.name == TEMPORARY and folder.parent.name.startswith(PREFIX)


def joinable(nodes: Sequence[LocalNode]) -> list[str]:
    """The addresses of the clusters among the nodes that were started as such."""
    private = {node.address for node in nodes if node.private_to is not None}
    return sorted({node.address for node in nodes} - private)


def private_at(address: str, nodes: Sequence[LocalNode]) -> LocalNode | None:
    """The private Ray at HOST:PORT, if that is one of this machine."""
    host, _, port = address.rpartition(":")
    for node in nodes:
        its_host, _, its_port = node.address.rpartition(":")
        if node.private_to is not None and its_port == port and (host == its_host or is_this_machine(host)):
            return node
    return None


def is_this_machine(host: str) -> bool:
    """Whether the name is an address of this machine."""
    with contextlib.suppress(OSError):
        named = {str(info[4][0]) for info in socket.getaddrinfo(host.strip("[]"), None)}
        return bool(named & set(own_addresses()))
    return False


def own_addresses() -> Iterator[str]:
    """The addresses of this machine's network interfaces."""
    for interface in psutil.net_if_addrs().values():
        yield from (address.address.partition("%")[0] for address in interface)


def named_by_environment() -> str | None:
    """The cluster that `ray start` noted last in the folder that RAY_TMPDIR names."""
    folder = os.environ.get("RAY_TMPDIR")
    with contextlib.suppress(OSError):
        return (Path(folder) / "ray/ray_current_cluster").read_text().strip() if folder else None
    return None
