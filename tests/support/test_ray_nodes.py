"""The cluster of the tests: nodes lack saddle, a killed one is noticed, and nothing is left behind."""

from __future__ import annotations

import subprocess
import urllib.error
import urllib.request

import pytest

from tests.support.ray_node import is_running
from tests.support.ray_nodes import RayNodes

pytestmark = pytest.mark.fault("Ray nodes of tests killed")

LACKING = """
import importlib.metadata, importlib.util, ray, torch, mlflow, optuna, pip
names = ("saddle", "trainables", "search_spaces", "saddle_contracts", "fake_methods")
assert not [name for name in names if importlib.util.find_spec(name)], names
assert not importlib.metadata.entry_points(group="saddle.trainables")
"""


def test_nodes_lack_saddle_die_when_killed_and_leave_nothing() -> None:
    with RayNodes(extra={"RAY_health_check_period_ms": "500", "RAY_health_check_failure_threshold": "2"}) as cluster:
        cluster.start(1, 1)
        subprocess.run([cluster.python, "-c", LACKING], env=cluster.environment(), check=True, timeout=120)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{cluster.dashboard}/api/version", timeout=60)
        victim = cluster.nodes[1]
        processes = victim.processes()
        assert victim.raylet in processes
        victim.kill()
        assert not [process for process in processes if is_running(process)]
        cluster.wait_for_nodes(1)
        cluster.add_node(1)
        assert cluster.alive() == 2
    assert not cluster.strays()
    assert not cluster.folder.exists()
