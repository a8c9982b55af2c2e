"""How far a stored study is, and whether somebody is running it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from saddle.execute.progress import Progress, read_progress
from saddle.store.base import Store
from saddle.store.lock import driver_of


@dataclass(frozen=True)
class StudyState:
    """What the driver last said, and its process while there is one."""

    progress: Progress
    process: int | None
    job: str | None = None
    """The job that runs the study on a cluster, where this was asked of one."""

    @property
    def running(self) -> bool:
        return self.process is not None or self.job is not None

    def facts(self) -> dict[str, Any]:
        """The state as JSON has it."""
        ours = {"seconds_left": self.progress.seconds_left, "process": self.process, "job": self.job}
        return asdict(self.progress) | ours


def read_state(store: Store, study: str) -> StudyState:
    """The state of a study; one that says it runs but has no process was interrupted."""
    progress = read_progress(store, study) or Progress(study, state="not started")
    process = driver_of(store, study)
    if progress.state == "running" and process is None:
        progress.state = "interrupted"
        progress.running.clear()
    return StudyState(progress, process)
