"""`saddle stop`: end a study that another process runs."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.cli.options import AsJson, Dashboard, Insecure, Storage, StudyName
from saddle.cli.output.terminal import echo


def stop(
    study: StudyName,
    storage: Storage = None,
    address: Dashboard = None,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """Ask a running study to stop after the current epochs; `saddle run` resumes it later.

    With --address, the newest job of this name on that cluster.

    Example: saddle stop quickstart
    """
    if address is not None:
        show(stop_there(study, address, insecure), as_json=as_json)
        return
    from saddle.archive.lookup import find_studies
    from saddle.archive.study_status import read_state
    from saddle.archive.study_url import open_named
    from saddle.errors import UserError
    from saddle.execute.stop_request import ask_to_stop

    store, study = open_named(study, storage)
    runs = [stored.run for stored in find_studies(store, study)]
    names = [run.name for run in runs]
    running = [run for run in runs if read_state(store, run).running]
    if all(run.is_set_aside for run in runs):
        raise UserError(f"{' and '.join(names)} was set aside by --fresh, and nothing trains it any more")
    if not running:
        raise UserError(f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not running")
    for run in running:
        ask_to_stop(store, run)
    show([str(run) for run in running], as_json=as_json)


def show(stopping: Sequence[str], *, as_json: bool) -> None:
    """Say which studies stop."""
    from saddle.cli.output.tables import print_json

    if as_json:
        print_json([{"study": name, "stopping": True} for name in stopping])
        return
    for name in stopping:
        echo(f"{name} stops after the current epochs")


def stop_there(study: str, address: str, insecure: bool) -> Sequence[str]:
    """Stop a study that was submitted to a cluster; the names of those that its job runs."""
    from saddle.errors import UserError
    from saddle.submit.job_names import names_of
    from saddle.submit.jobs import Jobs
    from saddle.submit.remote_state import stop_job

    jobs = Jobs(address, insecure=insecure)
    job = jobs.find(names_of(study))
    if job.ended:
        raise UserError(
            f"{' and '.join(job.studies)} {'is' if len(job.studies) == 1 else 'are'} not running: "
            f"the job {job.id} is {job.status}"
        )
    return stop_job(jobs, job)
