"""A CronJob of Kubernetes."""

from __future__ import annotations

from typing import Any

from saddle.nightly.schedules.schedule import Schedule
from saddle.studyfile.dump import dump_plain

IMAGE = "REGISTRY/saddle:TAG"


def kubernetes(schedule: Schedule, image: str = IMAGE) -> str:
    """The manifest; addresses of webhooks and keys of the storage come from a secret called as the job."""
    container: dict[str, Any] = {
        "name": "night",
        "image": image,
        "command": ["saddle", *schedule.command[schedule.command.index("nightly") :]],
        "envFrom": [{"secretRef": {"name": schedule.name, "optional": True}}],
        "resources": {"requests": {"cpu": "2", "memory": "4Gi"}},
    }
    pod = {
        "restartPolicy": "Never",
        "containers": [container],
    }
    job = {
        # a night that was killed goes on; one that is worse (1), changed (4) or wrong (2) is over
        "backoffLimit": 2,
        "podFailurePolicy": {
            "rules": [
                {"action": "FailJob", "onExitCodes": {"containerName": "night", "operator": "In", "values": [1, 2, 4]}}
            ]
        },
        "template": {"spec": pod},
    }
    manifest = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": schedule.name},
        "spec": {
            "schedule": f"{schedule.minute} {schedule.hour} * * *",
            "timeZone": schedule.nightly.timezone,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 3600,
            "successfulJobsHistoryLimit": 7,
            "failedJobsHistoryLimit": 7,
            "jobTemplate": {"spec": job},
        },
    }
    return dump_plain(manifest)
