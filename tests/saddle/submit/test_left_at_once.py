"""Ctrl-C leaves a job that is followed at once, whatever the client does with a cancellation."""

from __future__ import annotations

import subprocess
import sys

LEAVE = """
import asyncio, os, signal, threading
from saddle.submit.jobs import _aside

async def stubborn():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    _aside(stubborn())
except KeyboardInterrupt:
    print("left")
"""
FINISH = """
import asyncio
from saddle.submit.jobs import _aside

async def found(): return 3
async def broken(): raise OSError("gone")

print(_aside(found()))
try:
    _aside(broken())
except OSError as error:
    print(error)
"""


def said_by(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout


def test_a_client_that_swallows_cancellations_is_left() -> None:
    assert said_by(LEAVE) == "left\n"


def test_results_and_errors_come_through() -> None:
    assert said_by(FINISH) == "3\ngone\n"
