"""The command line: one short function per command, nothing heavy imported before it is needed."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the `saddle` command."""
    leave_out_working_directory()
    from saddle.process_setup import write_what_can_be_written

    write_what_can_be_written()  # before anything else, as --help has signs of its own, too
    from saddle.cli.app import app

    app()


def leave_out_working_directory() -> None:
    """Take an empty entry of PYTHONPATH, as in `:/a`, for none: it would put the working directory on the path.

    Ray's workers inherit the variable, and any file here with the name of a module would be imported there.
    """
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    named = [entry for entry in entries if entry]
    if not named or len(named) == len(entries):
        return
    os.environ["PYTHONPATH"] = os.pathsep.join(named)
    here = working_directory()
    if here not in map(os.path.abspath, named):
        sys.path[:] = [folder for folder in sys.path if folder not in ("", here)]


def working_directory() -> str:
    """The working directory as an entry of the path: empty if it was deleted."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""
