"""The command line: one short function per command, nothing heavy imported before it is needed."""

from __future__ import annotations


def main() -> None:
    """Run the `saddle` command."""
    from saddle.cli.app import app

    app()
