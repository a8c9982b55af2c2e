"""Options that several commands share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer

Storage = Annotated[
    str | None,
    typer.Option(
        "--storage", help="Folder or bucket with the studies.", envvar="SADDLE_STORAGE", show_default="runs/ here"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as `saddle schema --answers` describes it.")]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root", help="Folder with the datasets.", envvar="SADDLE_DATA", show_default="a cache folder of yours"
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Override a value of the study file: PATH=VALUE. May be given several times.",
        metavar="PATH=VALUE",
    ),
]
StudyFile = Annotated[
    str,
    typer.Argument(
        help="A study file, or the name of a packaged one such as quickstart; FILE:STUDY for one study of a file.",
        metavar="STUDY",
    ),
]
StudyName = Annotated[
    str,
    typer.Argument(help="The name of a stored study, the file it came from, or its URL in a bucket.", metavar="STUDY"),
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        help="A Ray cluster: auto (the one this machine is a node of), HOST:PORT, or ray://HOST:PORT.",
        envvar="RAY_ADDRESS",
        show_default="this machine alone",
    ),
]
Dashboard = Annotated[
    str | None,
    typer.Option("--address", help="The dashboard of the cluster it was submitted to.", metavar="http://HEAD:8265"),
]
Packages = Annotated[
    list[str] | None,
    typer.Option(
        "--package",
        help="Package to install on the nodes: a folder with a pyproject.toml, or a wheel. May be given several times.",
        metavar="PATH",
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start a new run and keep the old one.")]
Retry = Annotated[
    list[str] | None,
    typer.Option("--retry", help="Run trials with this outcome again: failed or timed_out.", metavar="OUTCOME"),
]
AcceptChanges = Annotated[
    bool,
    typer.Option(
        "--accept-changes", help="Add trials although code, defaults or data differ from those of the stored trials."
    ),
]
Track = Annotated[bool, typer.Option("--mlflow/--no-mlflow", help="Track the study in MLflow.")]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Allow a cluster on another machine that requires no token.")
]

P = ParamSpec("P")
R = TypeVar("R")


def accept_storage(command: Callable[P, R]) -> Callable[..., R]:
    """Let a command that reads no storage accept `--storage` anyway, so that a script may pass it to every command."""
    signature = inspect.signature(command, eval_str=True)
    if "storage" in signature.parameters:
        return command

    @wraps(command)
    def accepting(*arguments: Any, storage: str | None = None, **named: Any) -> R:
        return command(*arguments, **named)

    unused = inspect.Parameter(
        "storage",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[str | None, typer.Option("--storage", hidden=True)],
    )
    parameters = [*signature.parameters.values(), unused]
    accepting.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return accepting
