"""One node of the tests' Ray cluster: its processes, and their end."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.waiting import wait_until

STOP_SECONDS = 120.0


@dataclass
class Node:
    """One node: the process of `ray start --block` and its descendants."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def processes(self) -> list[psutil.Process]:
        """The node's processes: raylet, workers, agents; on the head also the cluster's own servers."""
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    @property
    def raylet(self) -> psutil.Process:
        """The process whose end means the node's death to the cluster."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                if Path(process.exe()).name == "raylet":
                    return process
        raise AssertionError(f"{self.name} has no raylet:\n{self.said()}")

    def workers(self) -> list[psutil.Process]:
        """The raylet's descendants: workers with their descendants, and the node's agents."""
        return self.raylet.children(recursive=True)

    def kill(self) -> None:
        """SIGKILL for raylet and workers together, as if the machine had lost its power."""
        kill_all(self.processes())
        self.process.wait(STOP_SECONDS)

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]


def kill_all(processes: list[psutil.Process]) -> None:
    """SIGKILL for all, after SIGSTOP so that none can start another one meanwhile."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
    wait_until(
        lambda: not [process for process in psutil.wait_procs(processes, timeout=0)[1] if is_running(process)],
        "the end of killed processes", STOP_SECONDS,
    )  # fmt: skip


def is_running(process: psutil.Process) -> bool:
    """Whether it is alive: one that has ended stays a zombie until its parent waits for it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False
