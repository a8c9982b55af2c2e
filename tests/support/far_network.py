"""A network namespace that a cable (a veth pair) connects to this machine's network, and that tests cut; needs root.

Its processes are as on a machine with another address: when the cable is cut, packets are lost silently and no
connection is closed, as behind a dead switch. Files are shared, as if their storage had a separate network.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tests.support.browser import require_system

SECONDS = 60
FIRST = IPv4Address("198.18.0.0")
"""Addresses of the range for benchmarks of networks (RFC 2544), which no one routes."""
PAIRS = 2**14


@dataclass(frozen=True)
class FarNetwork:
    """The network `name`, also the name of the cable's end here. `near` and `far` are the addresses of its ends."""

    name: str
    near: str
    far: str

    def prefix(self) -> list[str]:
        """The prefix of a command that should run in the network."""
        return ["nsenter", f"--net={self.path}"]

    @property
    def path(self) -> Path:
        return Path("/run/netns") / self.name

    @property
    def inode(self) -> int:
        """The identity of the network for processes in it: that of /proc/self/ns/net."""
        return self.path.stat().st_ino

    def cut(self) -> None:
        """Lose every packet from now on."""
        run_ip("link", "set", self.name, "down")

    def heal(self) -> None:
        """Let packets through again; processes that still wait for an answer resend what was lost."""
        run_ip("link", "set", self.name, "up")

    def make(self) -> None:
        """Make the network and its cable; raises `CalledProcessError` if this user may not."""
        other_end = f"{self.name}far"
        run_ip("netns", "add", self.name)
        run_ip("link", "add", self.name, "type", "veth", "peer", "name", other_end, "netns", self.name)
        run_ip("address", "add", f"{self.near}/30", "dev", self.name)
        run_ip("link", "set", self.name, "up")
        run_ip("-netns", self.name, "address", "add", f"{self.far}/30", "dev", other_end)
        for device in (other_end, "lo"):
            run_ip("-netns", self.name, "link", "set", device, "up")

    def remove(self) -> None:
        """Remove the cable immediately, and the network as soon as its last process has ended."""
        for words in (("link", "delete", self.name), ("netns", "delete", self.name)):
            with contextlib.suppress(subprocess.CalledProcessError):  # it was not made
                run_ip(*words)


def run_ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, text=True, timeout=SECONDS, check=True)


@contextlib.contextmanager
def far_network() -> Iterator[FarNetwork]:
    """A new network; skips the test if this user may make none."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a network")
    require_system("ip", "nsenter")
    number = os.getpid() % PAIRS
    network = FarNetwork(f"saddle{number}", str(FIRST + 4 * number + 1), str(FIRST + 4 * number + 2))
    try:
        network.make()
    except subprocess.CalledProcessError as refusal:
        network.remove()
        pytest.skip(f"no network can be made here: {refusal.stderr.strip()}")
    try:
        yield network
    finally:
        network.remove()
