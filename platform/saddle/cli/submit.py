"""`saddle submit`: hand a study to a Ray cluster and watch it there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from saddle.cli.options import (
    AcceptChanges,
    AsJson,
    Fresh,
    Insecure,
    Packages,
    Retry,
    Settings,
    Storage,
    StudyFile,
    Track,
)
from saddle.cli.output.terminal import LogWriter, echo

if TYPE_CHECKING:
    from saddle.submit.jobs import Jobs

DASHBOARD = "RAY_API_SERVER_ADDRESS"


NodesDataRoot = Annotated[
    Path | None, typer.Option("--data-root", help="Folder with the datasets on every node of the cluster.")
]
Detach = Annotated[bool, typer.Option("--detach", help="Return immediately instead of showing the job's output.")]


def submit(
    study: StudyFile,
    address: Annotated[
        str, typer.Option("--address", help="The cluster's dashboard.", metavar="http://HEAD:8265", envvar=DASHBOARD)
    ],
    settings: Settings = None,
    storage: Storage = None,
    data_root: NodesDataRoot = None,
    packages: Packages = None,
    detach: Detach = False,
    fresh: Fresh = False,
    retry: Retry = None,
    accept_changes: AcceptChanges = False,
    track: Track = True,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """Run every study of a file on a Ray cluster. saddle need not be installed there: the code is sent along.

    Shows the job's output and exits with its exit code; Ctrl-C leaves the job running.

    Example: saddle submit quickstart --address http://HEAD:8265 --storage s3://bucket/studies
    """
    from saddle.cli.output.tables import print_json
    from saddle.cli.run import check_outcomes
    from saddle.errors import UserError
    from saddle.submit.job_spec import check_here, foreign_trainables, pack
    from saddle.submit.jobs import Jobs

    check_outcomes(retry)
    if as_json and not detach:
        raise UserError("--json goes with --detach: what a job says while it runs is text")
    parcel = pack(
        study,
        settings or (),
        storage,
        data_root=data_root,
        packages=packages or (),
        fresh=fresh,
        retry=retry or (),
        accept_changes=accept_changes,
        track=track,
    )
    if not packages:
        for name, package in foreign_trainables(parcel.studies).items():
            echo(f"note: {name} comes with {package}; where the nodes lack it, add --package PATH", err=True)
    jobs = Jobs(address, insecure=insecure)
    jobs.refuse_running(parcel)
    check_here(parcel)
    job = jobs.submit(parcel)
    echo(f"{' and '.join(parcel.names)} submitted to {address} as {job}", err=True)
    if as_json:
        print_json({"job": job, "studies": list(parcel.names), "address": address})
        return
    if detach:
        echo(job)
        tell_commands(parcel.names[0], address)
        return
    follow(jobs, job, parcel.names[0])


def tell_commands(study: str, address: str) -> None:
    """Print the commands for a study that runs on a cluster."""
    for command in (f"status {study}", f"logs {study} --follow", f"stop {study}"):
        echo(f"  saddle {command} --address {address}", err=True)


def follow(jobs: Jobs, job: str, study: str) -> None:
    """Show a job's output until it ends, and exit with its exit code; Ctrl-C ends only the display."""
    from saddle.cluster.failures.leave import INTERRUPTED

    log = LogWriter()
    try:
        ended = jobs.follow(job, log.write)
    except KeyboardInterrupt:
        echo(f"\n{study} continues as {job}", err=True)
        tell_commands(study, jobs.address)
        raise typer.Exit(INTERRUPTED) from None
    log.close()
    if ended.exit_code is None and ended.code != 0:  # the driver never ran, or was stopped
        echo(f"saddle: the job {job} is {ended.status}: {ended.message}", err=True)
    raise typer.Exit(ended.code)
