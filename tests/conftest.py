"""What every test shares: the fake methods on the path (of workers too), and a storage of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# these machines are too noisy for deadlines, and a run leaves nothing behind
settings.register_profile("saddle", deadline=None, database=None)
settings.load_profile("saddle")

METHODS = Path(__file__).parent / "support" / "methods"

# before anything starts Ray: its workers inherit the environment of the first ray.init
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(METHODS), os.environ.get("PYTHONPATH")]))
sys.path.insert(0, str(METHODS))


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the storage, the data or the MLflow server of whoever runs it."""
    for name in ("SADDLE_STORAGE", "SADDLE_DATA", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def ray_session():
    """One small Ray for the tests of a module."""
    import ray

    from saddle.execute.cluster import QUIET

    os.environ.update(QUIET)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 * 2**20)
    yield
    ray.shutdown()
