"""`saddle nightly`: an ablation every night, and whether the code has changed what it gives."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from saddle.cli.options import Address, AsJson, DataRoot, Insecure, Packages, Settings, Storage, accept_storage
from saddle.cli.output.errors import explain
from saddle.cli.output.terminal import echo

if TYPE_CHECKING:
    from saddle.nightly.decision.decision import Decision
    from saddle.nightly.nights import Nightly

app = typer.Typer(
    help="Run an ablation every night, and report whether the code has changed its results.", no_args_is_help=True
)

NightlyFile = Annotated[
    str,
    typer.Argument(
        help="A study file with a section nightly, or the name of a packaged one; FILE:STUDY for one study of a file.",
        metavar="STUDY",
    ),
]
Night = Annotated[str, typer.Argument(help="The date of a night, such as 2026-11-29.", metavar="NIGHT")]
Mlflow = Annotated[bool, typer.Option("--mlflow/--no-mlflow", help="Track the nights in MLflow.")]


@app.command()
@explain
def run(
    study: NightlyFile,
    date: Annotated[
        str | None,
        typer.Option(
            "--date",
            help="Date of the night, or @SECONDS for the night at that Unix time.",
            show_default="today in the nightly's timezone",
        ),
    ] = None,
    settings: Settings = None,
    storage: Storage = None,
    data_root: DataRoot = None,
    track: Mlflow = True,
    address: Address = None,
    packages: Packages = None,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """Run or resume tonight's night; a finished night is not run again.

    Exit codes: 0 unchanged or no worse, 1 worse, 2 wrong input, 3 could not run, 4 changed and not settled yet.

    Example: saddle nightly run nightly --date 2026-11-29
    """
    where = arguments(data_root, track, address, packages, insecure)
    nightly = open_nightly(study, settings, storage, where, quiet=as_json)
    conclude(nightly, nightly.run(date), as_json=as_json)


@app.command()
@explain
def init(
    study: NightlyFile,
    settings: Settings = None,
    storage: Storage = None,
    data_root: DataRoot = None,
    track: Mlflow = True,
    address: Address = None,
    packages: Packages = None,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """Train the whole pool of references in tonight's night, however long that takes. Otherwise the first nights train
    it, each as long as budget.hours allows. If it is stopped, the same command resumes it.

    Example: saddle nightly init nightly
    """
    where = arguments(data_root, track, address, packages, insecure)
    nightly = open_nightly(study, settings, storage, where, quiet=as_json)
    conclude(nightly, nightly.fill(), as_json=as_json)


@app.command()
@explain
def accept(
    study: NightlyFile,
    night: Night,
    why: Annotated[str, typer.Option("--why", help="Reason for accepting the change; it is stored.", metavar="TEXT")],
    settings: Settings = None,
    storage: Storage = None,
    as_json: AsJson = False,
) -> None:
    """Accept the results of a night as the references for later nights.

    Example: saddle nightly accept nightly 2026-11-29 --why "the smaller step is wanted"
    """
    from saddle.cli.output.tables import print_json

    nightly = open_nightly(study, settings, storage, quiet=as_json)
    nightly.accept(night, why)
    if as_json:
        print_json({"study": nightly.study.study, "night": night, "why": why})
        return
    echo(f"accepted: from now on nights are compared with that of {night}")


@app.command()
@explain
def history(study: NightlyFile, settings: Settings = None, storage: Storage = None, as_json: AsJson = False) -> None:
    """List all nights with their results, and the commits that changed something.

    Example: saddle nightly history nightly
    """
    from saddle.cli.output.tables import print_json, print_table
    from saddle.nightly.pages.night_facts import all_nights

    nights = all_nights(open_nightly(study, settings, storage, writes=False).storage)
    if as_json:
        print_json([night.as_plain() for night in nights])
        return
    if not nights:
        echo("no night has run yet")
        return
    rows = [
        (night.date, night.word, night.commits, night.environment and str(night.environment.code), night.trials)
        for night in nights
    ]
    print_table(("night", "result", "commits", "code", "trials"), rows)
    echo(nights[-1].sentence)


@app.command()
@explain
def bisect(
    study: NightlyFile,
    night: Annotated[
        str | None,
        typer.Option("--night", help="The night whose change is bisected.", show_default="the latest that changed"),
    ] = None,
    settings: Settings = None,
    storage: Storage = None,
    data_root: DataRoot = None,
    track: Mlflow = True,
    address: Address = None,
    packages: Packages = None,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """Find the commit that changed the results by bisection: one seed is trained with the commits in between.

    A night does this by itself; this command resumes a bisection that was stopped. Nothing in your checkout is touched.

    Example: saddle nightly bisect nightly --night 2026-11-29
    """
    from saddle.cli.output.tables import print_json

    where = arguments(data_root, track, address, packages, insecure)
    bisection = open_nightly(study, settings, storage, where, quiet=as_json).bisect(night)
    sentence = "nothing has changed, so there is no commit to search for" if bisection is None else bisection.sentence
    if as_json:
        suspects = [] if bisection is None else [str(suspect) for suspect in bisection.suspects]
        print_json(
            {"sentence": sentence, "suspects": suspects, "tried": 0 if bisection is None else len(bisection.tried)}
        )
        return
    echo(sentence)


@app.command()
@explain
@accept_storage
def install(
    study: NightlyFile,
    print_for: Annotated[
        Literal["crontab", "systemd", "github", "kubernetes"],
        typer.Option("--print", help="Scheduler to print the configuration for; nothing is installed."),
    ],
    at: Annotated[str, typer.Option("--at", help="Time of day at which the night begins.", metavar="HH:MM")] = "02:00",
    settings: Settings = None,
    storage: Storage = None,
    data_root: DataRoot = None,
    image: Annotated[str, typer.Option("--image", help="Container image, for kubernetes.")] = "REGISTRY/saddle:TAG",
    as_json: AsJson = False,
) -> None:
    """Print the configuration with which a scheduler starts a night every day.

    Example: saddle nightly install nightly --print crontab >> my-crontab
    """
    from saddle.cli.output.tables import print_json
    from saddle.nightly.schedules.crontab import crontab
    from saddle.nightly.schedules.github import github
    from saddle.nightly.schedules.kubernetes import kubernetes
    from saddle.nightly.schedules.schedule import Schedule, parse_time
    from saddle.nightly.schedules.systemd import systemd

    nightly = open_nightly(study, settings, storage, writes=False)
    hour, minute = parse_time(at)
    words = [*program(), "nightly", "run", whole(study), "--storage", nightly.store.url]
    words += ["--data-root", str(data_root.absolute())] if data_root is not None else []
    words += [part for setting in settings or () for part in ("--set", setting)]
    schedule = Schedule(nightly.study, hour, minute, str(Path.cwd()), words, nightly.store.url)
    if print_for == "systemd":
        files = dict(systemd(schedule))
    elif print_for == "kubernetes":
        files = {"": kubernetes(schedule, image)}
    else:
        files = {"": crontab(schedule) if print_for == "crontab" else github(schedule)}
    if as_json:
        print_json({"scheduler": print_for, "files": [{"name": name, "text": text} for name, text in files.items()]})
        return
    for name, text in files.items():
        echo(f"# ~/.config/systemd/user/{name}\n{text}" if name else text, nl=bool(name))


def open_nightly(
    study: str,
    settings: Sequence[str] | None,
    storage: str | None,
    where: Sequence[str] = (),
    *,
    writes: bool = True,
    quiet: bool = False,
) -> Nightly:
    """The nightly of a file, its progress printed; the storage is created, if it is missing, only where it `writes`.

    Progress goes to standard error where standard output is to be `quiet`.
    """
    from saddle.nightly.nights import Nightly, Options
    from saddle.nightly.policy_of_study import load_nightly
    from saddle.store.open import open_store

    options = Options(tuple(where), partial(echo, err=quiet))
    return Nightly(load_nightly(study, settings or ()), open_store(storage, create=writes), options)


def arguments(
    data_root: Path | None, track: bool, address: str | None, packages: Sequence[str] | None, insecure: bool
) -> list[str]:
    """The options of `saddle run` that a night's processes are started with."""
    words = ["--data-root", str(data_root.expanduser().absolute())] if data_root is not None else []
    words += [] if track else ["--no-mlflow"]
    words += ["--address", address] if address is not None else []
    words += [part for package in packages or () for part in ("--package", str(Path(package).absolute()))]
    return [*words, *(["--insecure"] if insecure else [])]


def conclude(nightly: Nightly, decision: Decision, *, as_json: bool) -> None:
    """Print what the night says and exit with its code."""
    from saddle.cli.output.tables import print_json
    from saddle.cli.paths import short
    from saddle.nightly.pages.night_facts import all_nights
    from saddle.nightly.pages.publish import INDEX
    from saddle.nightly.run_night import read_bisection
    from saddle.nightly.text import sentence

    storage = nightly.storage
    page = short(storage.store.locate(storage.path(INDEX)))
    if as_json:
        [night] = [facts for facts in all_nights(storage) if facts.date == decision.date]
        print_json({**night.as_plain(), "page": page})
    else:
        echo(f"\n{decision.date}: {sentence(decision, read_bisection(storage, decision.change))}")
        echo(f"all nights: {page}")
    if decision.exit_code:
        raise typer.Exit(decision.exit_code)


def program() -> list[str]:
    """The command that starts `saddle`, with its full path, as a scheduler has another PATH."""
    command = Path(sys.executable).with_name("saddle")

    return [str(command)] if command.exists() else [sys.executable, "-m", "saddle.cli"]


def whole(study: str) -> str:
    """A study file by its whole path; the name of a packaged one unchanged."""
    from saddle.studyfile.packaged import split_choice

    file, chosen = split_choice(study)
    path = Path(file)
    named = str(path.absolute()) if path.is_file() else str(file)
    return named if chosen is None else f"{named}:{chosen}"
