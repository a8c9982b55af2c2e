"""A driver on the head of a cluster that is reached through Ray Client: it runs there and prints here."""

from __future__ import annotations

import ctypes
import json
import logging
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from saddle.cluster import ray_internals
from saddle.cluster.auth import require_authentication
from saddle.errors import ClusterError
from saddle.store.scratch import scratch_folder
from saddle.submit.job_spec import Parcel

POLL_SECONDS = 0.5
PR_SET_PDEATHSIG = 1
ATTEMPTS = 3


class HeadDriver:
    """An actor that runs a command in a separate process: with the scheduler's ledger and Tune's loop in one place.

    The process ends between two epochs when the actor dies, as it does when the client goes away.
    """

    def __init__(self, command: str) -> None:
        import ray

        context = ray.get_runtime_context()
        environment = dict(os.environ)
        ray_internals.remove_job_variables(environment)
        # as Ray Jobs passes a driver the environment of its workers
        environment["RAY_JOB_CONFIG_JSON_ENV_VAR"] = json.dumps({"runtime_env": dict(context.runtime_env)})
        environment |= {"RAY_ADDRESS": context.gcs_address, "PYTHONUNBUFFERED": "1"}
        self.log, name = tempfile.mkstemp(prefix="saddle-driver-")
        os.unlink(name)  # so that nothing is left, however this process ends
        self.process = subprocess.Popen(
            [sys.executable, *shlex.split(command.removeprefix("exec python"))],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT, env=environment,
            start_new_session=True, preexec_fn=end_with_parent,
        )  # fmt: skip

    def poll(self, offset: int) -> tuple[bytes, int | None]:
        """What was said from byte `offset` on, and the exit code once there is one."""
        code = self.process.poll()
        return os.pread(self.log, os.fstat(self.log).st_size - offset, offset), code

    def interrupt(self) -> None:
        """What Ctrl-C does in a terminal: the first time after the current epochs, the second time immediately."""
        self.process.send_signal(signal.SIGINT)


def end_with_parent() -> None:
    """In the child: take SIGINT, which Ray blocks in all its processes, and get SIGTERM when the actor dies."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def run_on_head(parcel: Parcel, address: str, show: Callable[[str], None], *, insecure: bool = False) -> int:
    """Run the studies from the head of the cluster at `address` (`ray://…`), showing what they say; the exit code.

    Ctrl-C here is passed on: the first ends the run after the current epochs, the second immediately.
    """
    require_authentication(address, insecure=insecure)
    import ray

    for name in ray_internals.CHATTY_LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    with scratch_folder() as folder:
        _connect(address, parcel.runtime_environment(folder))
        try:
            actor = ray.remote(num_cpus=0, resources={ray_internals.HEAD_NODE: 0.001}, max_restarts=0)(HeadDriver)
            driver = actor.remote(parcel.command)
            return _listen(driver, show)
        except ray.exceptions.RayError as error:
            raise ClusterError(f"the driver on the head of {address} is gone: {error}") from error
        finally:
            ray.shutdown()


def _connect(address: str, environment: dict[str, Any]) -> None:
    """Connect through Ray Client; raises `ClusterError`."""
    import ray

    for attempt in range(1, ATTEMPTS + 1):
        try:
            ray.init(address, runtime_env=environment, log_to_driver=False)
            return
        except (RuntimeError, ConnectionError) as error:  # another version of Ray or Python there, for example
            # the server forks a process for each client while others of its threads speak gRPC, which may end it
            if "Starting Ray client server failed" not in str(error) or attempt == ATTEMPTS:
                raise ClusterError(f"the cluster at {address} can't be used from here: {error}") from error


def _listen(driver: Any, show: Callable[[str], None]) -> int:
    """Show what the driver says until it has ended."""
    import codecs

    import ray

    decoder, position = codecs.getincrementaldecoder("utf-8")("replace"), 0
    while True:
        try:
            output, code = ray.get(driver.poll.remote(position))
            position += len(output)
            show(decoder.decode(output, final=code is not None))
            if code is not None:
                return int(code)
            time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            ray.get(driver.interrupt.remote())
