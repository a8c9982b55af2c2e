"""What every scheduler runs at night, and what its exit codes mean to it; `infra/` says the same, as a test sees to."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

NIGHT = ("saddle", "nightly", "run")
"""Followed by the study."""

ANSWERS = (1, 2, 4)
"""Worse, wrong input, changed and not settled: no retry changes these. Every other failure is retried, and resumes the
same night."""

JOB_NAME = {
    "name": "JOB_NAME",
    "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}},
}
"""How a pod of Kubernetes learns the name of its job."""

DATE_OF_TICK = '--date "@$((${JOB_NAME##*-} * 60))"'
"""The night is that of the tick, whenever a retry starts: a job's name ends in its tick, in minutes since 1970."""


def of_tick(night: Sequence[str]) -> list[str]:
    """The command of a CronJob's container that runs the night of its tick, in the nightly's time zone."""
    return ["sh", "-c", f"exec {shlex.join(night)} {DATE_OF_TICK}"]


def retry_rules(container: str) -> list[dict[str, Any]]:
    """The rules of a job (`podFailurePolicy`): a node that went away is not a failure, and answers are final."""
    return [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {
            "action": "FailJob",
            "onExitCodes": {"containerName": container, "operator": "In", "values": list(ANSWERS)},
        },
    ]
