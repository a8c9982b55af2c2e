"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Storage = Annotated[
    str | None,
    typer.Option("--storage", help="Where studies are kept.", envvar="SADDLE_STORAGE", show_default="runs/ here"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root", help="Where datasets lie.", envvar="SADDLE_DATA", show_default="a cache folder of yours"
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
    str, typer.Argument(help="A study file, or the name of a packaged one such as quickstart.", metavar="STUDY")
]
StudyName = Annotated[
    str, typer.Argument(help="The name of a stored study, or the file it came from.", metavar="STUDY")
]
