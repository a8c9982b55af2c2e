"""How long until training continues after a driver or a worker was killed, against a first start (`make bench`)."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.local import LocalStore
from saddle.trial.run_id import RunId
from tests.support.commands import Command
from tests.support.waiting import PROCESS_SECONDS, wait_until

RESOURCES = {"one worker in its slot": "{concurrency: 1}",
             "a group of two": "{workers: 2, cpus_per_worker: 0.5, concurrency: 1}"}  # fmt: skip

STUDY = """
study: killed
trainable: parabola
fixed: {{epochs: 400, pause: 0.05}}
resources: {resources}
ablation:
  factors: {{x: [0.3, 0.5]}}
  seeds: 1
"""


@contextlib.contextmanager
def command_in_a_folder() -> Iterator[Command]:
    with tempfile.TemporaryDirectory() as folder:
        command = Command(Path(folder))
        try:
            yield command
        finally:
            command.kill_leftovers()
            wait_until(lambda: not command.leftovers(), "the end of all processes that it started")


def reached(command: Command) -> tuple[int, int]:
    """The attempts of the first trial, and how many epochs it has stored."""
    store = LocalStore(command.folder / "runs")
    keys = list(store.names("studies/killed/trials"))
    if not keys:
        return 0, 0
    manifest = Checkpoints.of_trial(store, RunId("killed"), keys[0]).manifest
    return manifest.attempts, len(manifest.curve)


def seconds_until_training(command: Command, begin: Callable[[], object]) -> float:
    """Seconds from `begin` to the next epoch that a new attempt stores; an orphan may also store one."""
    attempts, _ = reached(command)
    since = time.perf_counter()
    begin()
    wait_until(lambda: reached(command)[0] > attempts, "another attempt", 180)
    _, epochs = reached(command)
    wait_until(lambda: reached(command)[1] > epochs, "an epoch", 180)
    return time.perf_counter() - since


def kill_a_worker(command: Command) -> None:
    """SIGKILL the process that trains: the slot, or a rank of its group."""
    kinds = ("RayTrainWorker", "ray::ResourceTrainable", "ray::Slot")
    running = [psutil.Process(pid) for pid in command.leftovers()]
    named = [(process, " ".join(process.cmdline())) for process in running]
    victim = next(process for kind in kinds for process, name in named if kind in name)
    os.kill(victim.pid, signal.SIGKILL)


@pytest.mark.parametrize("resources", RESOURCES)
def test_seconds_from_a_kill_to_the_next_step(resources: str) -> None:
    with command_in_a_folder() as command:
        (command.folder / "killed.yaml").write_text(STUDY.format(resources=RESOURCES[resources]))
        drivers = []

        def start() -> None:
            drivers.append(command.start("run", "killed.yaml", "--no-mlflow"))

        first = seconds_until_training(command, start)
        after_worker = seconds_until_training(command, lambda: kill_a_worker(command))
        drivers[0].kill()
        drivers[0].communicate(timeout=PROCESS_SECONDS)
        after_driver = seconds_until_training(command, start)
    print(f"\n{resources}, seconds to the next stored epoch and their ratio to a first start's {first:.1f}:")
    print(f"worker killed {after_worker:.1f} ({after_worker / first:.2f}), ", end="")
    print(f"driver killed {after_driver:.1f} ({after_driver / first:.2f})")
    assert after_worker < 3 * first
    assert after_driver < 3 * first
