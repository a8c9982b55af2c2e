"""`saddle logs`: what trials printed, and what a submitted study says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from saddle.cli.options import AsJson, Insecure, Storage
from saddle.cli.output.terminal import LogWriter, echo
from saddle.cli.submit import DASHBOARD, follow

if TYPE_CHECKING:
    from saddle.archive.studies import StoredStudy
    from saddle.archive.trial_logs import TrialLog
    from saddle.store.base import Store

LOCAL_SECONDS, REMOTE_SECONDS = 1.0, 5.0
"""How often `--follow` looks into a folder, and into a bucket."""


def logs(
    study: Annotated[
        str,
        typer.Argument(
            help="STUDY/TRIAL, or STUDY for all of its trials; with --address a study that was submitted, or a job.",
            metavar="STUDY[/TRIAL]",
        ),
    ],
    storage: Storage = None,
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            help="Dashboard of a cluster: show the log of a submitted study's driver instead of its trials' output.",
            metavar="http://HEAD:8265",
            envvar=DASHBOARD,
        ),
    ] = None,
    keep_on: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep printing new output until the study ends.")
    ] = False,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """Show the output of trials: standard output and error of every rank, warnings, and the traceback of a failure.

    Beginning and end of each output are stored with the trial, wherever it ran. With --address the output of the newest
    job of this name is shown.

    Example: saddle logs quickstart-search --follow
    """
    from saddle.cli.output.tables import print_json
    from saddle.errors import UserError

    if as_json and keep_on:
        raise UserError("--json prints the output so far and --follow keeps printing; use only one of them")
    if address is not None and not names_a_trial(study):
        show_job(study, address, keep_on=keep_on, insecure=insecure, as_json=as_json)
        return
    from saddle.archive.lookup import find_studies
    from saddle.archive.study_url import open_named
    from saddle.archive.trial_logs import find_key, logs_of

    store, name = open_named(study, storage)
    study_name, _, trial = name.partition("/") if names_a_trial(name) else (name, "", "")
    if as_json:
        print_json(logs_as_plain(store, study_name, trial))
        return
    for stored in find_studies(store, study_name):
        key = find_key(store, stored, trial) if trial else None
        if keep_on:
            follow_trials(store, stored, key)
            continue
        printed = False
        for log in logs_of(store, stored, key):
            printed = True
            show_log(stored, log)
        if not printed:
            echo(f"{stored.run}{f'/{key}' if key else ''} has no output", err=True)


def names_a_trial(name: str) -> bool:
    """Whether this is `STUDY/TRIAL` and not a file."""
    return "/" in name and not name.endswith((".yaml", ".yml"))


def logs_as_plain(store: Store, study: str, trial: str = "") -> list[dict[str, Any]]:
    """What the trials of a study printed, or one of them, as JSON has it: a part for each attempt and rank."""
    from saddle.archive.lookup import find_studies
    from saddle.archive.trial_logs import find_key, logs_of

    return [
        {
            "study": stored.run.name,
            "trial": log.key,
            "outcome": None if log.record is None else str(log.record.outcome),
            "parts": [{"heading": heading, "text": text} for heading, text in log.parts],
            "reason": log.reason or "",
        }
        for stored in find_studies(store, study)
        for log in logs_of(store, stored, find_key(store, stored, trial) if trial else None)
    ]


def show_log(stored: StoredStudy, log: TrialLog) -> None:
    """Print what a trial printed, each attempt below its heading, and why it failed."""
    ended = f" ({log.record.outcome})" if log.record is not None else ""
    for heading, text in log.parts:
        echo(f"── {stored.run.name}/{log.key}{ended}, {heading}")
        write_log(text)
    if log.reason:
        echo(f"── {stored.run.name}/{log.key} {log.record.outcome if log.record else ''}:")
        write_log(log.reason)


def write_log(text: str) -> None:
    """Print a complete log."""
    log = LogWriter()
    log.write(text if text.endswith("\n") else f"{text}\n")
    log.close()


def follow_trials(store: Store, stored: StoredStudy, key: str | None) -> None:
    """Print what trials print until their study ends, or only the requested one of them."""
    from saddle.archive.trial_logs import LogFollower
    from saddle.store.ledger.ledger import Ledger
    from saddle.store.ownership.lock import driver_of

    follower, log, ledger = LogFollower(store, stored.run, key), LogWriter(), Ledger(store, stored.run)
    while True:
        over = driver_of(store, stored.run) is None or (key is not None and key in ledger)
        for trial, line in follower.look():
            log.write(f"{line}\n" if key is not None else f"{trial}: {line}\n")
        if over:  # asked before the last look
            return
        time.sleep(REMOTE_SECONDS if "://" in store.url else LOCAL_SECONDS)


def show_job(study: str, address: str, *, keep_on: bool, insecure: bool, as_json: bool) -> None:
    """Print what a job says; `keep_on` until it ends, with whose exit code the command ends."""
    from saddle.cli.output.tables import print_json
    from saddle.submit.job_names import names_of
    from saddle.submit.jobs import Jobs

    jobs = Jobs(address, insecure=insecure)
    job = jobs.find(names_of(study))
    if keep_on:
        follow(jobs, job.id, job.studies[0])
    if as_json:
        facts = {"job": job.id, "studies": list(job.studies), "status": job.status, "exit_code": job.exit_code}
        print_json({**facts, "text": jobs.log(job.id)})
        return
    log = LogWriter()
    log.write(jobs.log(job.id))
    log.close()
