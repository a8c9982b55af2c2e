"""The Ray cluster a study runs on: one of our own on this machine, or one that is there already."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from saddle.cluster.auth import is_from_ray_init, own_token, require_authentication
from saddle.cluster.credentials import share_credentials
from saddle.cluster.failures.late_interrupt import interrupts_afterwards
from saddle.cluster.local_clusters import TEMPORARY, joinable, local_nodes, named_by_environment, private_at
from saddle.cluster.packages.environment import for_workers
from saddle.cluster.packages.user_packages import build_wheels
from saddle.cluster.ports import on_loopback
from saddle.cluster.ray_internals import job_without_folders
from saddle.errors import ClusterError, InfrastructureError
from saddle.process_setup import find_home, keep_loopback_from_proxies, name_user
from saddle.redaction import redact_logs
from saddle.store.infrastructure_errors import explain_fault, full_folder
from saddle.store.scratch import scratch_folder

QUIET = {
    # saddle has its own Ctrl-C, loggers and resuming; Tune's would double or fight them
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": str(10**9),
    "TUNE_WARN_THRESHOLD_S": "5",
    # nor does a thread that is late start another Ray once ours has ended
    "RAY_ENABLE_AUTO_CONNECT": "0",
    # a study file's relative paths mean the same in a worker as in the driver
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_TRAIN_V2_ENABLED": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_usage_stats_enabled": "0",
    # the ranks of worker groups hold no CPU of their own, so Ray sees more processes than it thinks right
    "RAY_DEDUP_LOGS_SKIP_REGEX": "PYTHON worker processes have been started on node",
}

OBJECT_STORE_BYTES = 200 * 2**20

SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")

LONGEST_SOCKET = 107
"""Bytes of a socket's path on Linux."""

LONGEST_FOLDER = LONGEST_SOCKET - len(
    f"/saddle-12345678/{TEMPORARY}/session_2026-01-01_00-00-00_000000_{os.getpid()}/sockets/plasma_store"
)
"""What Ray's paths leave for the folder that they are in."""

OWN_RAY = {
    # what each process keeps of what it prints: without a limit a chatty trainable fills the disk
    "RAY_ROTATION_MAX_BYTES": str(8 * 2**20),
    "RAY_ROTATION_BACKUP_COUNT": "1",
    # Ray's 15 counts next to nothing for Linux's scheduler, which then lets training share a core with the driver
    # while another one is free: epochs took 10 % longer than in a plain process
    "RAY_worker_niceness": "0",
}
"""The environment of a Ray that is started here, where nothing else is set."""

INSTALLED_ONCE = {"eager_install": False}
"""Wheels are installed when a node's first process needs them. Ray (2.60) would do so for the job, too, on a node that
has just joined; of two environments that differ, as the job's and its slots' do, the second finds the first one's wheel
half installed, removes it, and no slot starts on that node for ten minutes."""

OF_A_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""The variable by which Ray passes a job's driver the environment that it was submitted with."""


@contextlib.contextmanager
def connect(
    address: str | None = None, *, insecure: bool = False, packages: Sequence[str] = ()
) -> Iterator[list[dict[str, float]]]:
    """What each node offers of the cluster at `address`, at RAY_ADDRESS, or of one started here and ended afterwards.

    `address` is `auto` (the cluster that this machine is a node of) or HOST:PORT; its nodes are sent saddle and
    `packages`. Only what `ray start` started is joined. A cluster this process is connected to already is used
    unchanged.
    Raises `ClusterError` if there is none, or if it is open to anyone (see `require_authentication`).
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    redact_logs()
    name_user()
    find_home()
    keep_loopback_from_proxies()
    require_text_arguments()
    import ray

    address = wanted_address(address)
    if address == "auto":  # as Ray has it
        address = os.environ.get("RAY_ADDRESS") or "auto"
    with contextlib.ExitStack() as stack:
        own = not ray.is_initialized() and address == "local"
        if not ray.is_initialized():
            stack.enter_context(_started() if own else _joined(address, insecure, packages))
        if not own:  # workers of a Ray that is started here inherit this process's environment
            stack.enter_context(share_credentials())
        # of a trial's error Tune logs a traceback; saddle reports what it means, in a line (see `failing_the_study`)
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
        yield [dict(node["Resources"]) for node in ray.nodes() if node["Alive"]]


def wanted_address(address: str | None) -> str:
    """Where the cluster is that an option or else the environment names; `local` for one of our own."""
    return address or os.environ.get("RAY_ADDRESS") or "local"


def is_own(address: str | None) -> bool:
    """Whether `connect` would start a Ray for this process alone, unless it is connected already."""
    return wanted_address(address) == "local"


@contextlib.contextmanager
def _started() -> Iterator[None]:
    """A Ray of our own on this machine, which demands a token like any other."""
    import ray

    for name, value in OWN_RAY.items():
        os.environ.setdefault(name, value)
    # not in Ray's own folder: its `session_latest` is for clusters that others may use, and what a killed driver left
    # there could not be distinguished from theirs
    with own_token(), on_loopback(), scratch_folder(short_folder(), keep_after_error=True) as folder:
        try:
            with interrupts_afterwards():
                ray.init(
                    address="local",
                    _temp_dir=str(folder / TEMPORARY),
                    job_config=job_without_folders(),
                    include_dashboard=False,
                    log_to_driver=False,
                    configure_logging=True,
                    logging_level=logging.ERROR,
                    object_store_memory=OBJECT_STORE_BYTES,
                    # they are not read, and its port demands no token
                    _system_config={"enable_metrics_collection": False},
                )
        except Exception as error:  # Ray raises the errors of its processes, most of them as plain `Exception`
            fault = not_started(folder, error)
            ray.shutdown()
            raise fault from error
        except KeyboardInterrupt:
            ray.shutdown()
            raise
        try:
            yield
        finally:
            ray.shutdown()


def not_started(folder: Path, error: Exception) -> InfrastructureError:
    """What to say where our own Ray didn't come up; the usual reason is that its folder is full."""
    full = full_folder([folder])
    if full is not None:
        return full
    first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return explain_fault(f"Ray could not be started on this machine: {first}", f"see its logs in {folder}")


def require_text_arguments() -> None:
    """Raise `ClusterError` for bytes that are not text where Ray reads them: it hands on a process's command line."""
    for what, text in (*(("the argument", argument) for argument in sys.argv), ("the working directory", os.getcwd())):
        if any("\ud800" <= character <= "\udfff" for character in text):
            printable = text.encode(errors="surrogateescape").decode(errors="backslashreplace")
            raise ClusterError(
                f"{what} {printable} has bytes that are not UTF-8 text, which Ray can't handle; rename it"
            )


def short_folder() -> Path:
    """Where Ray may keep the files of its session: RAY_TMPDIR or TMPDIR, or else one whose path is short enough.

    Raises `ClusterError` if there is none.
    """
    preferred = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    candidates = [Path(folder).absolute() for folder in (preferred, *SHORT_FOLDERS)]
    for folder in candidates:
        if len(os.fsencode(folder)) <= LONGEST_FOLDER and (folder == candidates[0] or os.access(folder, os.W_OK)):
            return folder
    raise ClusterError(
        f"the path of {preferred} is too long for Ray's sockets, and {', '.join(SHORT_FOLDERS)} can't be written; set "
        f"RAY_TMPDIR to a folder whose path has at most {LONGEST_FOLDER} characters"
    )


@contextlib.contextmanager
def _joined(address: str, insecure: bool, packages: Sequence[str]) -> Iterator[None]:
    """A cluster that is there; its workers get our code as wheels, unless a job has sent it already."""
    import ray

    where = find_cluster(address)
    # the client that submitted a job has checked from outside already
    require_authentication(where, insecure=insecure or OF_A_JOB in os.environ)
    if is_from_ray_init(where):  # on another machine: of those here `find_cluster` knows
        raise ClusterError(private_ray(where, "the program that started it"))
    with scratch_folder() as folder:
        try:
            ray.init(
                address=where,
                job_config=job_without_folders(),
                runtime_env=None if OF_A_JOB in os.environ else workers_environment(packages, folder),
                log_to_driver=False,
                configure_logging=True,
                logging_level=logging.ERROR,
            )
        except (RuntimeError, ConnectionError) as error:  # another version of Ray or Python there, for example
            raise ClusterError(f"the cluster at {where} can't be used from here: {error}") from error
        try:
            yield
        finally:
            ray.shutdown()


def find_cluster(address: str) -> str:
    """HOST:PORT of the cluster meant; raises `ClusterError` for an address that no driver here can use."""
    if address.startswith(("http://", "https://")):
        raise ClusterError(
            f"{address} is a dashboard's address; hand the study to it with: saddle submit STUDY --address {address}"
        )
    if address.startswith("ray://"):
        raise ClusterError(
            f"a driver in this process can't use {address}; run it with: saddle run STUDY --address {address}"
        )
    nodes = local_nodes()
    where = the_only_one(joinable(nodes)) if address == "auto" else address
    private = private_at(where, nodes)
    if private is not None:
        raise ClusterError(private_ray(where, f"process {private.private_to} of this machine"))
    return where


def the_only_one(clusters: Sequence[str]) -> str:
    """The cluster that `auto` means; of several the one that RAY_TMPDIR's folder names, else raises `ClusterError`."""
    if not clusters:
        raise ClusterError(
            "--address auto: this machine is not a node of a Ray cluster; run it on the head node, hand it over with "
            "`saddle submit STUDY --address http://HEAD:8265`, or leave --address out to use this machine alone"
        )
    if len(clusters) == 1:
        return clusters[0]
    named = named_by_environment()
    if named in clusters:
        return str(named)
    raise ClusterError(
        f"--address auto: this machine is a node of {len(clusters)} Ray clusters; name the one that is meant: "
        + " or ".join(f"--address {cluster}" for cluster in clusters)
    )


def private_ray(where: str, owner: str) -> str:
    """What to say of a Ray that must not be joined."""
    return (
        f"the Ray at {where} is private to {owner} and ends with it, so nothing else can run there: leave --address "
        "out to use this machine alone, or start a cluster with `ray start --head` and name that"
    )


def workers_environment(packages: Sequence[str], folder: Path) -> dict[str, Any]:
    """Ray's runtime environment for workers on nodes that may lack saddle."""
    return {
        "py_modules": [str(wheel) for wheel in build_wheels(packages, folder)],
        "config": INSTALLED_ONCE,
        "env_vars": {**QUIET, **for_workers()},
    }
