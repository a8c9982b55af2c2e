"""What Ray's memory monitor ends counts against the configuration that took the memory, and `why` says so."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from ray.exceptions import ActorDiedError, NodeDiedError, OutOfMemoryError, RayActorError

from saddle.cluster.connection import OBJECT_STORE_BYTES, connect
from saddle.cluster.failures.actor_failures import as_actor_failure
from saddle.cluster.failures.causes import explain_death
from saddle.execute import scheduler as scheduler
from saddle.execute.driver import Options, run_study
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
from saddle.trial import restart_policy

pytestmark = pytest.mark.fault("worker killed, crashed or exited")

STUDY = """
study: memory
trainable: mortal
fixed: {epochs: 2}
search: {way: {choice: [memory]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 0}}
budget: {trials: 1}
"""


@pytest.fixture
def little_memory() -> Iterator[None]:
    """A Ray that ends workers once the machine uses 4 GB more than now; other tests take some of it meanwhile."""
    import ray

    memory = psutil.virtual_memory()
    threshold = (memory.total - memory.available + 4e9) / memory.total
    ray.init(
        address="local", include_dashboard=False, log_to_driver=False, object_store_memory=OBJECT_STORE_BYTES,
        _system_config={"memory_usage_threshold": threshold, "memory_monitor_refresh_ms": 100},
    )  # fmt: skip
    yield
    ray.shutdown()


def test_tune_knows_every_error_of_rays_own_as_an_actors_death() -> None:
    error = as_actor_failure(OutOfMemoryError("its node ran low"))
    assert isinstance(error, RayActorError), "the only kind that Tune handles"
    assert "its node ran low" in str(error)
    stored = pickle.loads(pickle.dumps(error))  # Tune hands it on in a file
    assert explain_death(stored).why == "Ray's OOM killer: its node ran out of memory"
    assert explain_death(pickle.loads(pickle.dumps(as_actor_failure(NodeDiedError("gone"))))).of_machine
    for known in (ValueError("the trainable's"), ActorDiedError()):
        assert as_actor_failure(known) is known


@pytest.mark.usefixtures("little_memory")
def test_rays_oom_killer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart_policy, "RESTARTS", 0)
    with connect():
        [study] = parse_studies(STUDY, "memory.yaml")
        result = run_study(study, LocalStore(tmp_path / "runs"), [{"CPU": 1.0}], Options(track=False))
    [entry] = result.entries
    assert entry.outcome == "failed"
    assert entry.why.startswith("the worker died 1 times, the last time of Ray's OOM killer: "), entry.why
    assert "ran out of memory" in entry.why
