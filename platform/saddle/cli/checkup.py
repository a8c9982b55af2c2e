"""The checks of `saddle doctor`, each with what was found."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from saddle.errors import ClusterError, StorageError
from saddle.redaction import redact
from saddle.store.local import LocalStore
from saddle.store.open import open_store


class Finding(NamedTuple):
    """One check: whether it is well, and what was found."""

    check: str
    ok: bool
    found: str


def examine(storage: str | None, data_root: Path | None) -> list[Finding]:
    """All checks; a failing one doesn't prevent the others."""
    checks: dict[str, Callable[[], str]] = {
        "python": platform.python_version,
        "packages": find_packages,
        "processors": find_processors,
        "trainables": find_methods,
        "storage": lambda: find_storage(storage),
        "data": lambda: find_data(data_root),
        "mlflow": lambda: find_mlflow(storage),
        "ray": start_ray,
    }
    return [run_check(name, check) for name, check in checks.items()]


def run_check(name: str, check: Callable[[], str]) -> Finding:
    """The result of a check, or why it failed."""
    try:
        return Finding(name, True, redact(check()))
    except Exception as error:  # a check-up reports every error
        return Finding(name, False, redact(f"{type(error).__name__}: {error}").splitlines()[0])


def find_packages() -> str:
    """The versions of the packages that everything depends on."""
    return ", ".join(f"{name} {metadata.version(name)}" for name in ("saddle", "ray", "torch", "optuna", "mlflow"))


def find_processors() -> str:
    """CPUs and GPUs, and a daemon by which processes share these.

    Raises `ClusterError` where the driver lists GPUs and torch sees none of them.
    """
    from saddle.cluster.gpu.devices import has_driver, list_gpus

    gpus = torch_gpus() if has_driver() else []  # importing torch takes seconds, and without a driver it sees none
    if not gpus and "CUDA_VISIBLE_DEVICES" not in os.environ and (listed := list_gpus()):
        names = ", ".join(gpu.name for gpu in listed)
        raise ClusterError(
            f"the driver lists {names}, and torch sees no GPU: is it a build for CPUs, or an older CUDA?"
        )
    return f"{os.cpu_count()} CPU, {', '.join(gpus) or 'no GPU'}{find_mps()}"


def torch_gpus() -> list[str]:
    """The names of the GPUs that torch sees."""
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def find_mps() -> str:
    """Whether processes share GPUs through MPS, which CUDA uses without being asked."""
    from saddle.cluster.gpu.devices import mps_folder

    folder = mps_folder()
    return "" if folder is None else f"; MPS runs ({folder}): trials on one GPU meet each other's fatal errors"


def find_methods() -> str:
    """The trainables, each of which must import."""
    from saddle.study.trainable.loading import find_trainables, load_trainable

    for name in find_trainables():
        load_trainable(name)
    return ", ".join(find_trainables())


def find_storage(storage: str | None) -> str:
    """The storage, which must be writable, and the space left; one that doesn't exist yet is not made."""
    store = open_store(storage, create=False)
    if not isinstance(store, LocalStore):
        return f"{store.url}, {len(list(store.names('studies')))} studies"
    existing = next(folder for folder in (store.root, *store.root.parents) if folder.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        raise StorageError(f"{existing} can't be written; choose a folder of yours with --storage")
    free = f"{shutil.disk_usage(existing).free / 1e9:.0f} GB free"
    return f"{store.url}, {free}" if existing == store.root else f"{store.url}, made by the first run, {free}"


def find_data(data_root: Path | None) -> str:
    """The data root and the datasets in it."""
    from trainables.datasets.availability import is_present
    from trainables.datasets.registry import KNOWN
    from trainables.datasets.root import data_root as find_root

    root = find_root(data_root)
    present = [name for name in KNOWN if is_present(name, root)]
    return f"{root}: {', '.join(present)}"


def find_mlflow(storage: str | None) -> str:
    """The tracking database or server, which must answer; a database that doesn't exist yet is not made."""
    from saddle.track.host_guard import require_host, tracking_server
    from saddle.track.opening import database_path, tracking_uri

    require_host(tracking_server())
    store = open_store(storage, create=False)
    if not os.environ.get("MLFLOW_TRACKING_URI") and not database_path(store).exists():
        return "a database in the storage, made by the first run"
    from mlflow.tracking import MlflowClient

    from saddle.track.client_settings import be_brief

    be_brief()
    uri = tracking_uri(store)
    return f"{uri}, {len(MlflowClient(uri).search_experiments())} experiments"


def start_ray() -> str:
    """A Ray of our own, which must not let in others, with the ports it listens on; or the connected one."""
    from saddle.cluster.connection import connect
    from saddle.cluster.ports import describe_ports, own_ports

    with connect() as nodes:
        offered = {name: sum(node.get(name, 0.0) for node in nodes) for name in ("CPU", "GPU")}
        ports = own_ports()
        if any(port.open and not port.is_local for port in ports):
            raise ClusterError(describe_ports(ports))
        return ", ".join(f"{amount:g} {name}" for name, amount in offered.items() if amount) + (
            f"; {describe_ports(ports)}"
        )
