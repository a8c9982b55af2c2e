"""Ray Jobs: a study handed to a cluster, found again by its name, followed to its end, and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from saddle.cluster import ray_internals
from saddle.cluster.auth import require_authentication
from saddle.errors import ClusterError, ClusterNotReady
from saddle.redaction import redact
from saddle.store.scratch import scratch_folder
from saddle.study.nearest import nearest
from saddle.submit.job_spec import Parcel

STUDIES, STORAGE = "saddle.studies", "saddle.storage"
STOPPED = 130
FAILED = 1
NOT_READY = "No available agent to submit job"
"""What Ray's dashboard answers until one of its agents has joined."""
RECONNECTIONS, RECONNECT_SECONDS = 30, 1.0


@dataclass(frozen=True)
class Job:
    """A job of ours, as the cluster knows it."""

    id: str
    studies: Sequence[str]
    storage: str
    status: str
    started: float
    """Unix seconds."""
    exit_code: int | None
    message: str

    @property
    def ended(self) -> bool:
        return self.status in ("STOPPED", "SUCCEEDED", "FAILED")

    @property
    def code(self) -> int:
        """The exit code of the study's driver, or a substitute if there was none."""
        if self.exit_code is not None:
            return self.exit_code
        return {"SUCCEEDED": 0, "STOPPED": STOPPED}.get(self.status, FAILED)


class Jobs:
    """The jobs of the cluster whose dashboard is at `address`; raises `ClusterError` as `require_authentication`."""

    def __init__(self, address: str, *, insecure: bool = False) -> None:
        if not address.startswith(("http://", "https://")):
            raise ClusterError(
                f"--address {address}: jobs are sent to the dashboard, whose address is like http://HEAD:8265"
            )
        require_authentication(address, insecure=insecure)
        self.address = address
        from ray.job_submission import JobSubmissionClient

        for name in ray_internals.CHATTY_LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)
        with _without("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS"):  # Ray lets them go before what was asked for
            self.client = JobSubmissionClient(address)

    def refuse_running(self, parcel: Parcel) -> None:
        """Raise `ClusterError` if a job runs one of the studies already, in the same storage."""
        for job in self.list():
            running = sorted({*job.studies} & {*parcel.names})
            if running and not job.ended and job.storage == parcel.storage:
                raise ClusterError(
                    f"the job {job.id} runs {running[0]} already; follow it with `saddle logs {running[0]} --address "
                    f"{self.address} --follow`, or stop it with `saddle stop {running[0]} --address {self.address}`"
                )

    def submit(self, parcel: Parcel) -> str:
        """Hand the studies over; the job's name."""
        with scratch_folder() as folder, self._asking():
            name: str = self.client.submit_job(
                entrypoint=parcel.command,
                submission_id=f"saddle-{parcel.names[0]}-{secrets.token_hex(4)}",
                runtime_env=parcel.runtime_environment(folder),
                metadata={STUDIES: ",".join(parcel.names), STORAGE: parcel.storage},
            )
        return name

    def list(self) -> list[Job]:
        """Our jobs, those that run first, each kind newest first."""
        with self._asking():
            ours = [as_job(details) for details in self.client.list_jobs() if STUDIES in (details.metadata or {})]
        return sorted(ours, key=lambda job: (job.ended, -job.started))

    def find(self, names: Sequence[str]) -> Job:
        """The job of this name, or the newest one of a study of one of these names; raises `ClusterError`."""
        jobs = self.list()
        for job in jobs:
            if {job.id, *job.studies} & {*names}:
                return job
        known = sorted({study for job in jobs for study in job.studies})
        hint = nearest(names[0], known)
        listed = f"it has run: {', '.join(known)}" if known else "saddle has not sent any yet"
        meant = f"did you mean {hint}? " if hint else ""
        raise ClusterError(f"no job of {names[0]!r} on the cluster at {self.address}; {meant}{listed}")

    def get(self, name: str) -> Job:
        with self._asking():
            return as_job(self.client.get_job_info(name))

    def log(self, name: str) -> str:
        """All that the job has said so far."""
        try:
            return str(self.client.get_job_logs(name))
        except RuntimeError:  # a job that has no driver yet has no log
            return ""

    def follow(self, name: str, show: Callable[[str], None]) -> Job:
        """Show what the job says until it ends, from the beginning; the job as it ended."""
        shown = 0
        for _ in range(RECONNECTIONS):
            with contextlib.suppress(RuntimeError, OSError):  # a connection that broke says nothing about the job
                shown = asyncio.run(self._tail(name, shown, show))
            job = self.get(name)
            if job.ended:
                show(self.log(name)[shown:])  # the last lines, which came after the tail had ended
                return job
            time.sleep(RECONNECT_SECONDS)
        raise ClusterError(f"the connection to {self.address} keeps breaking; the job {name} is {job.status}")

    async def _tail(self, name: str, shown: int, show: Callable[[str], None]) -> int:
        """Show the log beyond its first `shown` characters while there is a connection; how far it came."""
        length = 0
        with contextlib.suppress(RuntimeError):
            async for chunk in self.client.tail_job_logs(name):
                show(chunk[max(0, shown - length) :])
                length += len(chunk)
        return max(length, shown)

    def stop(self, name: str) -> None:
        """Ask the job to stop after the current epochs; Ray kills one that takes more than `STOP_SECONDS` for it."""
        with self._asking():
            self.client.stop_job(name)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Explain a connection that fails, or a request that is refused."""
        try:
            yield
        except (RuntimeError, OSError) as error:
            if NOT_READY in str(error):
                raise ClusterNotReady(
                    f"the cluster at {self.address} is not ready for jobs yet; try again later"
                ) from error
            raise ClusterError(f"the cluster at {self.address} refuses: {error}") from error


def as_job(details: Any) -> Job:
    """A job from Ray's words."""
    metadata = details.metadata or {}
    return Job(
        id=details.submission_id or details.job_id,
        studies=tuple(metadata.get(STUDIES, "").split(",")),
        storage=metadata.get(STORAGE, ""),
        status=str(details.status),
        started=(details.start_time or 0) / 1000,
        exit_code=details.driver_exit_code,
        message=redact(details.message or ""),
    )


@contextlib.contextmanager
def _without(*names: str) -> Iterator[None]:
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(before)
