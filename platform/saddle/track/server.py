"""MLflow's own server over a storage, on loopback."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from saddle.errors import NoServer
from saddle.process_setup import keep_loopback_from_proxies
from saddle.redaction import redact
from saddle.store.base import Store
from saddle.track.artifact_root import relocate
from saddle.track.client_settings import be_brief
from saddle.track.host_guard import host_refusal
from saddle.track.mlflow_internals import SHARED_VIEW_TAG
from saddle.track.opening import artifact_location, tracking_uri
from saddle.track.shared_views import ARMS, KEY_TAG, LEVEL_TAG, arms_name, only_of
from saddle.trial.run_id import RunId

START_SECONDS = 90.0
FILTER = "&searchFilter="


@dataclass(frozen=True)
class Server:
    """A running server; `uri` is its address."""

    uri: str
    process: subprocess.Popen[bytes]

    def page(self, run: RunId | None) -> str:
        """The page of a study's training runs, see `page_of`."""
        return page_of(self.uri, run)

    def wait(self) -> None:
        """Until the server ends or Ctrl-C."""
        with contextlib.suppress(KeyboardInterrupt):
            self.process.wait()


def page_of(uri: str, run: RunId | None) -> str:
    """A server's page of the training runs of a study, or of all experiments.

    It shows only what belongs to `run` if the server knows other runs of the study. Raises `NoServer` for a study
    that it doesn't know.
    """
    if run is None:
        return f"{uri}/#/experiments"
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    be_brief()
    client = MlflowClient(uri)
    try:
        experiment = client.get_experiment_by_name(run.study)
        of_studies = f"tags.`{LEVEL_TAG}` = 'study'"
        study_runs = [] if experiment is None else client.search_runs([experiment.experiment_id], of_studies)
    except MlflowException as error:
        silent = NoServer(redact(f"MLflow at {uri} does not answer: {str(error).splitlines()[0]}"))
        raise host_refusal(uri, str(error)) or silent from error
    if experiment is None:
        raise NoServer(f"MLflow knows no study {run.study!r}; it was run with --no-mlflow, or elsewhere")
    instances = {other.data.tags.get(KEY_TAG) for other in study_runs}
    if run.instance and instances and run.instance not in instances:
        raise NoServer(f"MLflow has no run of {run}; it was run with --no-mlflow, or elsewhere")
    # without the mode, MLflow 3 opens the experiment's GenAI overview, where training runs are not listed
    page = f"{uri}/#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning"
    return f"{page}{FILTER}{quote(only_of(run.instance))}" if run.instance and len(instances) > 1 else page


def arms_page_of(uri: str, run: RunId) -> str | None:
    """A server's page of an ablation's arms side by side; None if it has no arms of the run yet."""
    from mlflow.tracking import MlflowClient

    page, several, _ = page_of(uri, run).partition(FILTER)  # the view has its own filter
    experiment = MlflowClient(uri).get_experiment_by_name(run.study)
    names = [arms_name(run.instance), *([] if several else [ARMS])]
    view = next((name for name in names if SHARED_VIEW_TAG + name in experiment.tags), None)
    return None if view is None else f"{page}&viewStateShareKey={view}"


def free_port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serve(store: Store, port: int = 0) -> Iterator[Server]:
    """MLflow's server over the storage's database until the block ends; raises `NoServer` when it doesn't start."""
    keep_loopback_from_proxies()
    database = tracking_uri(store)
    relocate(store)
    port = port or free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    artifacts = artifact_location(store)
    if artifacts is not None:
        command += ["--default-artifact-root", artifacts]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={
                **os.environ,
                # not on the command line, which everyone on this machine can read: it may hold a password
                "MLFLOW_BACKEND_STORE_URI": database,
                "MLFLOW_DISABLE_TELEMETRY": "true",
                # job queues are for GenAI evaluations; without them it starts faster and takes a fifth of the memory
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            },
        )
        try:
            server = Server(f"http://127.0.0.1:{port}", process)
            _await(server, Path(f"/proc/self/fd/{log.fileno()}"))
            yield server
        finally:
            _end(process)


def _await(server: Server, log: Path) -> None:
    """Return once the server answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            output = log.read_bytes().decode(errors="replace")[-2000:]
            raise NoServer(f"MLflow's server ended immediately:\n{redact(output)}")
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{server.uri}/health", timeout=2)
            return
        time.sleep(0.2)
    raise NoServer(f"MLflow's server did not answer within {START_SECONDS:g} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server and the workers of its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 15)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait(timeout=10)
