"""`saddle status`: how far a study is."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from saddle.cli.options import AsJson, Storage, StudyName

POLL_SECONDS = 1.0


def status(
    study: StudyName,
    storage: Storage = None,
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep showing it until the study ends.")] = False,
) -> None:
    """Show how far a study is: trials done, outcomes, best so far, time left.

    With --watch and --json, a line of JSON for every change.

    Example: saddle status quickstart --watch
    """
    from saddle.archive.finding import find_studies
    from saddle.archive.state import read_state
    from saddle.cli.display import state_line
    from saddle.cli.tables import print_json, say
    from saddle.store.opening import open_store

    store = open_store(storage, create=False)
    names = [stored.study.study for stored in find_studies(store, study)]
    shown: list[str] = []
    while True:
        states = [read_state(store, name) for name in names]
        lines = [state_line(state) for state in states]
        if lines != shown:
            if as_json:
                print_json([state.facts() for state in states])
            else:
                for line in lines:
                    if line not in shown:
                        say(line)
            shown = lines
        if not watch or not any(state.running for state in states):
            return
        time.sleep(POLL_SECONDS)
