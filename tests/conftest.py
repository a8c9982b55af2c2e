"""What every test shares: the fake methods on the path (of workers too), and a storage of its own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# these machines are too noisy for deadlines, and a run leaves nothing behind
settings.register_profile("saddle", deadline=None, database=None)
settings.load_profile("saddle")

pytest_plugins = [
    f"tests.support.{name}"
    for name in ("browser", "disks", "fault_table", "page_pieces", "postgres", "ray_nodes", "s3", "seaweedfs")
]

METHODS = Path(__file__).parent / "support" / "methods"

# before anything starts Ray: its workers inherit the environment of the first ray.init
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(METHODS), os.environ.get("PYTHONPATH")]))
sys.path.insert(0, str(METHODS))

for name in ("SADDLE_STORAGE", "SADDLE_DATA", "SADDLE_OPTUNA_URL", "MLFLOW_TRACKING_URI"):
    os.environ.pop(name, None)  # those of whoever runs the tests, which fixtures of whole modules would use, too

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # in the background of a script a shell has Ctrl-C ignored, and what tests start would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Datasets are cached where this run leaves nothing behind; before anything starts Ray, see above."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SADDLE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("SADDLE_CACHE_BYTES", raising=False)
        yield


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test is in a folder of its own, with no storage that an earlier one has named."""
    for name in ("SADDLE_STORAGE", "SADDLE_DATA", "SADDLE_OPTUNA_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _own_path() -> Iterator[None]:
    """What a test imports of a user's own files is forgotten after it, and the path is as it was before."""
    before = [*sys.path]
    yield
    if own_sources := sys.modules.get("saddle.study.trainable.own_sources"):
        own_sources.forget_own_modules()
    sys.path[:] = before


@pytest.fixture(scope="module")
def ray_session():
    """One Ray for the tests of a module, started as saddle starts it."""
    from saddle.cluster.connection import connect

    with connect() as resources:
        yield resources
