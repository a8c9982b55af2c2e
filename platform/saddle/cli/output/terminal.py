"""Prints text that somebody wrote on the terminal: neither commands for it nor secrets get through.

A label, a class, a question, a file's name or an exception may hold escape sequences that clear the screen, set the
window's title or write over what was said, and marks that turn the order of what follows. They are shown as Python
writes them (`\\x1b`). JSON and CSV are for programs, and stay exact.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import typer

from saddle.redaction import redact

COMMANDS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # which way what follows is read
    "\u2028\u2029\ufeff\ud800-\udfff]"  # other line ends, a mark of byte order, and bytes that are not text
)
COLOURS = re.compile("\x1b\\[[0-9;:]*m")


def visible(text: str) -> str:
    """The text as it may be shown: commands for the terminal written out, secrets hidden."""
    return COMMANDS.sub(_written_out, redact(text.replace("\r\n", "\n")))


def visible_line(text: str) -> str:
    """The same for what is to stay on its line."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def visible_log(text: str) -> str:
    """The same for what another program has printed: its colours go, and lines it wrote over are kept."""
    return visible(COLOURS.sub("", text).replace("\r\n", "\n").replace("\r", "\n"))


def echo(text: str = "", *, nl: bool = True, err: bool = False) -> None:
    """Print a text as it may be shown, on standard output or standard error."""
    typer.echo(visible(text), nl=nl, err=err)


def echo_address(address: str) -> None:
    """Print an address that we have made, with the token that the user who started the server needs."""
    typer.echo(COMMANDS.sub(_written_out, address))


def overwrite(text: str) -> None:
    """Print a text on standard error over the last one that was printed so."""
    typer.echo(f"\r{visible_line(text)}", nl=False, err=True)


class LogWriter:
    """Prints what another program says, piece by piece, in whole lines: a secret may be cut in two."""

    def __init__(self, show: Callable[[str], None] | None = None) -> None:
        self._show = show or (lambda text: typer.echo(text, nl=False))
        self._rest = ""

    def write(self, text: str) -> None:
        """Print the lines that are whole now."""
        lines, newline, self._rest = (self._rest + text).rpartition("\n")
        if newline:
            self._show(visible_log(lines + newline))

    def close(self) -> None:
        """Print what is left."""
        if self._rest:
            self._show(visible_log(self._rest))
        self._rest = ""


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
