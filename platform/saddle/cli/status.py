"""`saddle status`: how far a study is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from saddle.cli.options import AsJson, Dashboard, Insecure, Storage, StudyName

if TYPE_CHECKING:
    from saddle.archive.study_status import StudyState

POLL_SECONDS = 1.0


def status(
    study: StudyName,
    storage: Storage = None,
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Update the output until the study ends.")] = False,
    address: Dashboard = None,
    insecure: Insecure = False,
) -> None:
    """Show the progress of a study: finished trials, outcomes, best value so far, time left.

    With --watch and --json, prints a line of JSON for every change. With --address, shows the newest job of this name
    on that cluster.

    Example: saddle status quickstart --watch
    """
    if address is not None:
        from saddle.submit.job_names import names_of
        from saddle.submit.jobs import Jobs
        from saddle.submit.remote_state import job_states

        jobs = Jobs(address, insecure=insecure)
        job = jobs.find(names_of(study)).id
        show(lambda: job_states(jobs.get(job)), as_json=as_json, watch=watch)
        return
    from saddle.archive.lookup import find_studies
    from saddle.archive.study_status import read_state, with_stored
    from saddle.archive.study_url import open_named

    store, study = open_named(study, storage)
    studies = find_studies(store, study)
    show(
        lambda: [with_stored(read_state(store, stored.run), store, stored) for stored in studies],
        as_json=as_json,
        watch=watch,
    )


def show(read: Callable[[], list[StudyState]], *, as_json: bool = False, watch: bool = False) -> None:
    """Show states once, or after every change until nothing runs any more."""
    from saddle.cli.output.display import state_line
    from saddle.cli.output.tables import print_json, say

    previous: list[str] = []
    while True:
        states = read()
        lines = [state_line(state) for state in states]
        if lines != previous:
            if as_json:
                print_json([state.facts() for state in states])
            else:
                for line in lines:
                    if line not in previous:
                        say(line)
            previous = lines
        if not watch or not any(state.running for state in states):
            return
        time.sleep(POLL_SECONDS)
