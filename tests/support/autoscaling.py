"""A cluster on loopback with Ray's own autoscaler, which starts and ends nodes on this machine.

Ray has `cluster_utils.AutoscalingCluster` for this, which ends every Ray on the machine before it starts, reads a file
that its wheel lacks, and whose nodes share one folder; here the same autoscaler has nodes of `loopback_provider`.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import psutil

from tests.support.ray_nodes import OBJECT_STORE_BYTES, RayNodes, kill_all

PROVIDER = Path(__file__).with_name("loopback_provider.py")
IDLE_MINUTES = 0.1
"""How long a node without work is kept."""


class AutoscalingNodes(RayNodes):
    """A head without processors, and up to `most` workers of `cpus` each that only its autoscaler starts."""

    def __init__(
        self, *, most: int, cpus: int = 1, idle_minutes: float = IDLE_MINUTES, extra: dict[str, str] | None = None
    ) -> None:
        own = {"RAY_FAKE_CLUSTER": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1", "AUTOSCALER_HEARTBEAT_TIMEOUT_S": "15"}
        super().__init__(extra={**own, **(extra or {})})
        self.extra["PYTHONPATH"] = str(self.folder)
        self.most, self.cpus, self.idle_minutes = most, cpus, idle_minutes

    def head_options(self) -> list[str]:
        worker = {"CPU": self.cpus, "object_store_memory": OBJECT_STORE_BYTES}
        config = {
            "cluster_name": "loopback",
            "max_workers": self.most,
            "idle_timeout_minutes": self.idle_minutes,
            "upscaling_speed": 10.0,
            "provider": {
                "type": "external", "module": f"{PROVIDER.stem}.LoopbackProvider", "folder": str(self.folder),
                "gcs_address": self.address, "launch_multiple": True,
                "disable_node_updaters": True, "disable_launch_config_check": True, "use_node_id_as_ip": True,
            },
            "available_node_types": {
                "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
                "worker": {"resources": worker, "node_config": {}, "min_workers": 0, "max_workers": self.most},
            },
            "head_node_type": "ray.head.default",
            **{commands: [] for commands in (
                "initialization_commands", "setup_commands", "head_setup_commands", "worker_setup_commands",
                "head_start_ray_commands", "worker_start_ray_commands", "rsync_exclude", "rsync_filter",
            )},
            "auth": {"ssh_user": "nobody"}, "docker": {}, "file_mounts": {}, "cluster_synced_files": [],
        }  # fmt: skip
        (self.folder / PROVIDER.name).write_bytes(PROVIDER.read_bytes())
        path = self.folder / "autoscaling.yaml"
        path.write_text(json.dumps(config))
        return ["--autoscaling-config", str(path)]

    def raylets(self) -> list[psutil.Process]:
        """The raylets of the workers, the earliest first: the autoscaler starts them itself."""
        processes = []
        for process in self.strays():
            with contextlib.suppress(psutil.Error):
                if Path(process.exe()).name == "raylet" and process.pid != self.head.raylet.pid:
                    processes.append(process)
        return sorted(processes, key=lambda process: process.create_time())

    def join(self, cpus: int = 1) -> None:
        """Start a node manually next to those of the autoscaler, without waiting for it."""
        self._launch(f"node{len(self.nodes)}", cpus, "--address", self.address)

    def kill_worker(self) -> None:
        """SIGKILL for the raylet of one worker, and all processes that it has started."""
        [raylet, *_] = self.raylets()
        kill_all([raylet, *raylet.children(recursive=True)])
