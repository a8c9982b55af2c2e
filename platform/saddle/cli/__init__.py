"""The command line: one short function per command, nothing heavy imported before it is needed."""

from __future__ import annotations


def main() -> None:
    """Run the `saddle` command."""
    from saddle.surroundings import write_what_can_be_written

    write_what_can_be_written()  # before anything else, as --help has signs of its own, too
    from saddle.cli.app import app

    app()
