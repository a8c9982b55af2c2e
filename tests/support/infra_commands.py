"""The commands in manifests, and the programs' own parsers for them: nothing is executed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

COMMANDS = ("entrypoint", "command", "args")
PROGRAMS = ("saddle", "ray", "mlflow")
CALL = re.compile(rf"(?:^|exec |&& |; )({'|'.join(PROGRAMS)}) ([^;&|]+)")
OF_TICK = re.compile(r"@\$\(\(.*?\)\)")
IF_SET = re.compile(r"\$\{\w+:\+([^}]*)\}")
PLACEHOLDER = re.compile(r"\$\((\w+)\)|\$\$?(\w+)|\$\{(\w+)\}")


class WrongCall(Exception):
    """A program doesn't accept these arguments."""


def calls(document: Any) -> Iterator[list[str]]:
    """Every call of saddle, ray or mlflow in a document: containers' commands, entry points and scripts of a shell."""
    if isinstance(document, dict):
        yield from calls_of([word for key in COMMANDS for word in words_of(document.get(key))])
        document = [value for key, value in document.items() if key not in COMMANDS]
    if isinstance(document, list):
        for part in document:
            yield from calls_of_line(part) if isinstance(part, str) else calls(part)


def words_of(command: Any) -> list[str]:
    return shlex.split(command) if isinstance(command, str) else [str(word) for word in command or ()]


def calls_of(words: Sequence[str]) -> Iterator[list[str]]:
    """The calls of one container's command."""
    if words[:2] == ["sh", "-c"]:
        script, arguments = words[2], shlex.join(words[4:])  # the fourth is the script's own name
        yield from calls_of_line(script.replace('"$$@"', arguments))
    elif words and words[0] in PROGRAMS:
        yield [PLACEHOLDER.sub("value", word) for word in words]


def calls_of_line(line: str) -> Iterator[list[str]]:
    """The calls of a line of shell, whose variables stand for any value."""
    plain = PLACEHOLDER.sub("value", IF_SET.sub(r"\1", OF_TICK.sub("2026-11-30", line)))
    for program, rest in CALL.findall(plain):
        yield [program, *shlex.split(rest.strip())]


def arguments_of(line: str) -> list[str]:
    """The arguments of a program in a command line, without redirections."""
    return shlex.split(re.split(" >>? ", line)[0])[1:]


def parse(words: Sequence[str]) -> None:
    """Parse a call by the program's own command line; raises `WrongCall` for what it doesn't accept."""
    program, *arguments = words
    if program == "saddle":
        command = saddle_command()
    elif program == "ray":
        from ray.scripts.scripts import cli as command
    else:
        from mlflow.cli import cli as command
    parse_by(command, arguments)


def saddle_command() -> Any:
    import typer

    from saddle.cli.app import app

    return typer.main.get_command(app)


def parse_by(command: Any, arguments: Sequence[str]) -> None:
    """Parse down to the command that would run.

    By attributes, not by classes: typer has its own click.
    """
    parent, name, rest = None, command.name or "program", list(arguments)
    while True:
        try:
            context = command.make_context(name, rest, parent=parent)
            if not hasattr(command, "resolve_command"):
                return
            rest = [*context._protected_args, *context.args]
            name, subcommand, rest = command.resolve_command(context, rest)
        except Exception as error:
            if getattr(error, "exit_code", 1) == 0:  # --help, which ends immediately
                return
            raise WrongCall(f"{name}: {error}") from error
        command, parent = subcommand, context
