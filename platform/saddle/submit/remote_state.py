"""How far a submitted study is: the job as the cluster knows it, and what its driver left in the storage."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.archive.progress import Progress, read_progress
from saddle.archive.study_status import StudyState
from saddle.errors import StorageError
from saddle.execute.stop_request import stop_path
from saddle.store.base import Store
from saddle.store.open import open_store
from saddle.submit.jobs import Job, Jobs
from saddle.trial.run_id import RunId


def job_states(job: Job) -> list[StudyState]:
    """The state of every study of the job; without its driver's own word where the storage can't be read here."""
    store = reachable_store(job)
    return [_state(job, name, read_progress(store, RunId(name)) if store else None) for name in job.studies]


def _state(job: Job, name: str, progress: Progress | None) -> StudyState:
    if progress is None or (not job.ended and progress.updated < job.started):  # its driver has said nothing yet
        progress = progress or Progress(name)
        progress.state = "not started" if job.ended else "pending" if job.status == "PENDING" else "starting"
        progress.running.clear()
    elif job.ended and progress.state == "running":
        progress.state = "interrupted"
        progress.running.clear()
    return StudyState(progress, None, job=None if job.ended else job.id)


def reachable_store(job: Job) -> Store | None:
    """The job's storage where this machine can read it, else None."""
    try:
        store = open_store(job.storage, create=False)
        return store if any(store.exists(f"{RunId(name).folder}/study.yaml") for name in job.studies) else None
    except (StorageError, OSError):
        return None


def stop_job(jobs: Jobs, job: Job) -> Sequence[str]:
    """Stop the job's studies after the current epochs; their names.

    A request left in the storage waits for as long as these take. Where that is out of reach, or the driver has not
    begun, the job itself is stopped.
    """
    store = reachable_store(job)
    states = job_states(job)
    running = [state.progress.study for state in states if state.running and state.progress.state == "running"]
    if store is None or not running:
        jobs.stop(job.id)
        return job.studies
    for name in running:
        store.write(stop_path(RunId(name)), b"")
    return running
