"""`saddle run`: train what a study file says and answer its question."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypedDict

import typer

from saddle.cli.options import (
    AcceptChanges,
    Address,
    AsJson,
    DataRoot,
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
    from saddle.execute.driver import EndedStudy


ALL_FAILED = 1
"""The exit code where every trial of a study failed."""


Again = Annotated[
    list[str] | None,
    typer.Option(
        "--again",
        help="Run this finished trial again. Its old result is set aside; in a search it stays next to the new one.",
        metavar="TRIAL",
    ),
]


Check = Annotated[
    bool,
    typer.Option("--check/--no-check", help="Run the robustness checklist on the model that would be called the best."),
]
Follow = Annotated[
    bool, typer.Option("--follow", help="If another process runs the study, follow it instead of refusing.")
]


class RunArguments(TypedDict):
    """What a run is asked for, whether it is driven from here or from a cluster's head."""

    storage: str | None
    data_root: Path | None
    packages: Sequence[str]
    fresh: bool
    retry: Sequence[str]
    again: Sequence[str]
    accept_changes: bool
    track: bool
    check: bool


def run(
    study: StudyFile,
    settings: Settings = None,
    storage: Storage = None,
    data_root: DataRoot = None,
    fresh: Fresh = False,
    retry: Retry = None,
    again: Again = None,
    accept_changes: AcceptChanges = False,
    track: Track = True,
    check: Check = True,
    address: Address = None,
    packages: Packages = None,
    insecure: Insecure = False,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """Run or resume every study of a file, and answer its question.

    Ctrl-C stops after the current epochs, a second Ctrl-C immediately; the same command resumes the study. The
    exit code is 1 if every trial of a study failed, or the first ones failed in the same way.

    Example: saddle run quickstart --set quickstart-search:budget.trials=20
    """
    from saddle import api
    from saddle.cli.follow import follow_driver
    from saddle.cli.output.ended_study import ended_as_plain
    from saddle.cli.output.tables import print_json
    from saddle.cli.paths import command

    check_outcomes(retry)
    if as_json:
        refuse_text_only(follow, address)
    options: RunArguments = {
        "storage": storage,
        "data_root": data_root,
        "packages": packages or (),
        "fresh": fresh,
        "retry": retry or (),
        "again": again or (),
        "accept_changes": accept_changes,
        "track": track,
        "check": check,
    }
    if (address or "").startswith("ray://"):
        on_head(study, settings or (), options, str(address), insecure)
    if follow and follow_driver(study, settings or (), storage):
        return
    results = api.run(
        study,
        settings or (),
        **options,
        address=address,
        insecure=insecure,
        **({} if as_json else text_display()),
    )
    if as_json:
        print_json([ended_as_plain(result) for result in results])
    where = [*option("--storage", storage), *option("--address", address)]
    end(results, command("run", study, *where, settings=settings or (), data_root=data_root), quiet=as_json)


def text_display() -> dict[str, Any]:
    """What shows studies as text while they run."""
    from saddle.cli.output.display import conclude, display
    from saddle.cli.output.live_display import waiting

    return {"listener": display, "settled": conclude, "waiting": waiting}


def end(results: Sequence[EndedStudy], again: str, *, quiet: bool = False) -> None:
    """Exit as the studies ended: 130 if they were stopped, with what continues, 1 where all trials of one failed.

    What continues is said on standard error where standard output is to be `quiet`.
    """
    from saddle.cluster.failures.leave import INTERRUPTED

    if any(result.interrupted for result in results):
        echo(f"\nStopped. Continue with: {again}", err=quiet)
        raise typer.Exit(INTERRUPTED)
    if any(result.results.all_failed for result in results):
        raise typer.Exit(ALL_FAILED)


def refuse_text_only(follow: bool, address: str | None) -> None:
    """Raise `UserError` for ways to run a study whose output another process writes, as text."""
    from saddle.errors import UserError

    if follow:
        raise UserError("--follow shows text; saddle status STUDY --watch --json has the same as JSON")
    if (address or "").startswith("ray://"):
        raise UserError(
            "through ray:// the study prints on the cluster, as text; use saddle verdict STUDY --json afterwards"
        )


def option(name: str, value: str | None) -> list[str]:
    """An option as it is written on a command line; nothing if it has no value."""
    return [] if value is None else [name, value]


def check_outcomes(retry: Sequence[str] | None) -> None:
    """Raise `UserError` for an outcome whose trials are not run again."""
    from saddle.errors import UserError
    from saddle.trial.outcome import RETRYABLE

    wrong = set(retry or ()) - RETRYABLE
    if wrong:
        raise UserError(f"--retry {wrong.pop()}: only failed and timed_out trials can be run again")


def on_head(study: str, settings: Sequence[str], options: RunArguments, address: str, insecure: bool) -> NoReturn:
    """Run the studies from the head of a cluster that is reached through Ray Client, and end as they end there."""
    from saddle.submit.job_spec import check_here, pack
    from saddle.submit.ray_client import run_on_head

    parcel = pack(study, settings, **options)
    check_here(parcel)
    log = LogWriter()
    code = run_on_head(parcel, address, log.write, insecure=insecure)
    log.close()
    raise typer.Exit(code)
