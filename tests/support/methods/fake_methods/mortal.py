"""A trainable that ends its process, or fails, in every way; its result is known, like that of `parabola`."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from trainables.contract import Config as Base
from trainables.contract import Report, Run, hyperparameter

METRICS = {"validation/score": "maximize", "test/score": "maximize"}
SELECTION = "validation/score"


def fill_memory() -> None:
    blocks = []
    while True:
        blocks.append(bytearray(os.urandom(1) * 2**26))
        time.sleep(0.02)


def raise_it(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


WAYS: dict[str, Callable[[], Any]] = {
    "nothing": lambda: None,
    "sigkill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "sigsegv": lambda: ctypes.string_at(0),
    "sigabrt": os.abort,
    "sigterm": lambda: (os.kill(os.getpid(), signal.SIGTERM), time.sleep(60)),
    "exit code": lambda: os._exit(3),
    "memory": fill_memory,
    "SystemExit": lambda: sys.exit(4),
    "KeyboardInterrupt": raise_it(KeyboardInterrupt("enough")),
    "GeneratorExit": raise_it(GeneratorExit()),
    "CancelledError": raise_it(asyncio.CancelledError("the loop is closed")),
    "missing": lambda: Path("/no/such/dataset").read_bytes(),
    "io": raise_it(OSError(errno.EIO, "Input/output error", "/dev/sdz")),
    "stale": raise_it(OSError(errno.ESTALE, "Stale file handle", "/mnt/team/x")),
    "hang": lambda: time.sleep(3600),
}


class Config(Base):
    way: str = hyperparameter("nothing", source="assumed", description="how it ends")
    epochs: int = hyperparameter(4, source="assumed", description="epochs", ge=1)
    last: int = hyperparameter(2, source="assumed", description="the epoch that it doesn't survive")
    pause: float = hyperparameter(0.0, source="assumed", description="seconds an epoch takes", unit="s", ge=0)
    rank: int = hyperparameter(0, source="assumed", description="the rank that it happens on")
    folder: str = hyperparameter("", source="assumed", description="where each epoch writes 100 kB")
    unless: str = hyperparameter("", source="assumed", description="a file; where it exists, nothing happens")
    level: int = hyperparameter(0, source="assumed", description="without any effect")


def train(config: Config, run: Run) -> Iterator[Report]:
    state = run.resume()
    for epoch in range(state["epoch"] + 1 if state else 1, config.epochs + 1):
        time.sleep(config.pause)
        if config.folder:
            (Path(config.folder) / f"of-{run.seed}-{config.level}-{epoch}").write_bytes(bytes(100_000))
        if epoch == config.last and run.rank == config.rank and not (config.unless and Path(config.unless).exists()):
            WAYS[config.way]()
        run.mean(0.0)  # the other ranks wait here
        yield Report({"validation/score": 1 - 1 / epoch + 0.01 * run.seed, "train/loss": 1 / epoch}, {"epoch": epoch})


def load(config: Config, state: Mapping[str, Any]) -> Any:
    return state["epoch"]


def evaluate(config: Config, state: Mapping[str, Any], run: Run) -> Report:
    return Report({"test/score": 1 - 1 / state["epoch"] + 0.01 * run.seed})
