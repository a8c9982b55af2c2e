"""A CronJob of Kubernetes."""

from __future__ import annotations

from typing import Any

from saddle.nightly.schedules.command import JOB_NAME, of_tick, retry_rules
from saddle.nightly.schedules.schedule import Schedule
from saddle.studyfile.dump import dump_plain

IMAGE = "REGISTRY/saddle:TAG"

RETRIES = 3

LATEST_START = 4 * 3600
"""Seconds after which a tick that could not start is left to the policy `missed` of the study file."""


def kubernetes(schedule: Schedule, image: str = IMAGE) -> str:
    """The manifest; addresses of webhooks and keys of the storage come from a secret called as the job."""
    container: dict[str, Any] = {
        "name": "night",
        "image": image,
        "command": of_tick(["saddle", *schedule.command[schedule.command.index("nightly") :]]),
        "env": [JOB_NAME],
        "envFrom": [{"secretRef": {"name": schedule.name, "optional": True}}],
        "resources": {"requests": {"cpu": "2", "memory": "4Gi"}},
    }
    pod = {
        "restartPolicy": "Never",
        "containers": [container],
    }
    job = {
        "backoffLimit": RETRIES,
        "podFailurePolicy": {"rules": retry_rules("night")},
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
            "startingDeadlineSeconds": LATEST_START,
            "successfulJobsHistoryLimit": 7,
            "failedJobsHistoryLimit": 7,
            "jobTemplate": {"spec": job},
        },
    }
    return dump_plain(manifest)
