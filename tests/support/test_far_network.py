"""The network that tests cut: packets are lost silently meanwhile, and arrive once it is restored."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests.support.far_network import far_network
from tests.support.waiting import PROCESS_SECONDS

PORT = 7000
ECHO = f"""
import os, socket, sys
listener = socket.create_server((sys.argv[1], {PORT}))
print(os.stat("/proc/self/ns/net").st_ino, flush=True)
connection, _ = listener.accept()
while received := connection.recv(100):
    connection.sendall(received)
"""


def test_a_cut_loses_packets_and_closes_no_connection() -> None:
    with far_network() as network:
        command = [*network.prefix(), sys.executable, "-c", ECHO, network.far]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert int(process.stdout.readline()) == network.inode
            with socket.create_connection((network.far, PORT), timeout=PROCESS_SECONDS) as connection:
                connection.sendall(b"before")
                assert connection.recv(100) == b"before"
                network.cut()
                connection.settimeout(1)
                connection.sendall(b"meanwhile")
                with pytest.raises(TimeoutError):
                    connection.recv(100)
                network.heal()
                connection.settimeout(PROCESS_SECONDS)
                assert connection.recv(100) == b"meanwhile"
            assert process.wait(PROCESS_SECONDS) == 0
    assert not network.path.exists()
