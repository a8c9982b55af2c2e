"""Paths and commands as a person would type them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from saddle.process_setup import working_directory


def short(where: str) -> str:
    """A path relative to the working directory if it is below it, else absolute; a URL unchanged."""
    path, here = Path(where), working_directory()
    return str(path.relative_to(here)) if here is not None and path.is_relative_to(here) else where


def storage_option(url: str) -> list[str]:
    """The option that names this storage; none for the default one."""
    here = working_directory()
    return [] if here is not None and url == str(here / "runs") else ["--storage", short(url)]


def command(*words: str, settings: Sequence[str] = (), data_root: Path | None = None) -> str:
    """A `saddle …` command line, quoted for the shell."""
    options = [part for setting in settings for part in ("--set", setting)]
    options += ["--data-root", str(data_root)] if data_root is not None else []
    return shlex.join(["saddle", *words, *options])
