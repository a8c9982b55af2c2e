"""What containers of nodes run, on two real nodes: the image's health check, and what drains a pod that ends."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.test_kubernetes import kind
from tests.support.infra_tools import INFRA, rendered
from tests.support.ray_nodes import RayNodes
from tests.support.waiting import PROCESS_SECONDS, wait_until

pytestmark = pytest.mark.long


@pytest.fixture
def nodes() -> Iterator[RayNodes]:
    with RayNodes() as nodes:
        yield nodes.start(1, 1)


def test_the_images_health_check_asks_with_the_token(nodes: RayNodes) -> None:
    text = (INFRA / "docker/Dockerfile").read_text()
    [check] = [json.loads(words) for words in re.findall(r"CMD (\[\"ray\".*\])", text)]

    def healthy(**changed: str) -> bool:
        command = [nodes.python, "-m", "ray.scripts.scripts", *check[1:]]
        environment = {**nodes.environment(), "RAY_ADDRESS": nodes.address, **changed}
        return subprocess.run(command, env=environment, capture_output=True, timeout=PROCESS_SECONDS).returncode == 0

    assert healthy()
    assert not healthy(RAY_AUTH_TOKEN="another")


def test_the_pods_last_command_drains_its_node(nodes: RayNodes, tmp_path: Path) -> None:
    [cluster] = kind(rendered(INFRA / "kubernetes/overlays/aws", tmp_path), "RayCluster")
    [container] = cluster["spec"]["workerGroupSpecs"][0]["template"]["spec"]["containers"]
    script = container["lifecycle"]["preStop"]["exec"]["command"][-1]
    script = script.replace("http://$FQ_RAY_IP:8265", nodes.dashboard)
    # both nodes of this machine have one address, where pods have their own
    script = script.replace("node_ip=$POD_IP", "is_head_node=False")
    script = re.sub(r"; ray stop$", "", script)  # it would end every Ray of this machine
    script = script.replace("ray drain-node", f"ray drain-node --address {nodes.address}")
    assert "ray stop" not in script
    python = nodes.python
    script = re.sub(r"\bray (?=list|drain)", f"{python} -m ray.scripts.scripts ", script)
    script = script.replace("| python", f"| {python}")
    done = subprocess.run(
        ["sh", "-c", script], env=nodes.environment(), capture_output=True, text=True, timeout=PROCESS_SECONDS
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    wait_until(lambda: nodes.alive() == 1, "the end of the drained node", show=lambda: done.stdout + done.stderr)
