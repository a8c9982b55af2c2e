"""`saddle logs`: what a submitted study says."""

from __future__ import annotations

from typing import Annotated

import typer

from saddle.cli.options import Insecure
from saddle.cli.output.terminal import LogWriter
from saddle.cli.submit import DASHBOARD, follow


def logs(
    study: Annotated[str, typer.Argument(help="The name of a study, its file, or a job.", metavar="STUDY")],
    address: Annotated[
        str, typer.Option("--address", help="The cluster's dashboard.", metavar="http://HEAD:8265", envvar=DASHBOARD)
    ],
    keep_on: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job ends, and end with its exit code.")
    ] = False,
    insecure: Insecure = False,
) -> None:
    """Show what a study that was submitted to a cluster has said, the newest job of this name.

    Example: saddle logs quickstart --address http://HEAD:8265 --follow
    """
    from saddle.submit.job_names import names_of
    from saddle.submit.jobs import Jobs

    jobs = Jobs(address, insecure=insecure)
    job = jobs.find(names_of(study))
    if keep_on:
        follow(jobs, job.id, job.studies[0])
    log = LogWriter()
    log.write(jobs.log(job.id))
    log.close()
