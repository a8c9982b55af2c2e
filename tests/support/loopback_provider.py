"""Nodes on this machine for Ray's autoscaler: runs in its process on the head, which has neither saddle nor tests.

Ray's own fake nodes share one folder, where two of them would install their packages at the same time; these have their
own folders, as on separate machines.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ray.autoscaler._private.fake_multi_node.node_provider import FakeMultiNodeProvider
from ray.autoscaler.tags import (
    NODE_KIND_WORKER,
    STATUS_UP_TO_DATE,
    TAG_RAY_NODE_KIND,
    TAG_RAY_NODE_NAME,
    TAG_RAY_NODE_STATUS,
    TAG_RAY_USER_NODE_TYPE,
)

STOP_SECONDS = 60.0


class LoopbackProvider(FakeMultiNodeProvider):
    """Starts each node by `ray start --block` in a folder below `provider.folder`."""

    def _create_node_with_resources_and_labels(
        self, node_config: Any, tags: dict[str, str], count: int, resources: dict[str, float], labels: Any
    ) -> None:
        with self.lock:
            name, kind = self._next_hex_node_id(), tags[TAG_RAY_USER_NODE_TYPE]
            folder = Path(self.provider_config["folder"]) / f"n{self._next_node_id}"
            command = [
                sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--address", self._gcs_address,
                "--node-ip-address", "127.0.0.1", "--num-cpus", str(int(resources["CPU"])), "--num-gpus", "0",
                "--object-store-memory", str(int(resources["object_store_memory"])), "--disable-usage-stats",
                "--resources", json.dumps({kind: 1}), "--temp-dir", str(folder),
            ]  # fmt: skip
            identity = {
                "RAY_OVERRIDE_NODE_ID_FOR_TESTING": name, "RAY_CLOUD_INSTANCE_ID": name, "RAY_NODE_TYPE_NAME": kind,
            }  # fmt: skip
            with folder.with_suffix(".log").open("wb") as output:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                    env={**os.environ, **identity}, start_new_session=True,
                )  # fmt: skip
            own = {
                TAG_RAY_NODE_KIND: NODE_KIND_WORKER, TAG_RAY_USER_NODE_TYPE: kind, TAG_RAY_NODE_NAME: name,
                TAG_RAY_NODE_STATUS: STATUS_UP_TO_DATE,
            }  # fmt: skip
            self._nodes[name] = {"tags": {**own, **tags}, "node": process}

    def _terminate_node(self, node: dict[str, Any]) -> None:
        """End a node in an orderly way, as `ray stop` on it does."""
        node["node"].terminate()
        try:
            node["node"].wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            node["node"].kill()
