"""A user's mistake is reported in plain words with exit code 2; only saddle's own mistakes show a traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import typer

from saddle.cli.output.terminal import echo
from saddle.cluster.failures.leave import INTERRUPTED
from saddle.process_setup import set_up_process

P = ParamSpec("P")
R = TypeVar("R")

WRONG_INPUT = 2

NO_SUCH_PATH = {errno.ENAMETOOLONG, errno.ENOTDIR}
"""System errors of an impossible path, which the user can correct."""


def explain(command: Callable[P, R]) -> Callable[P, R]:
    """Let a command end with a message and exit code 2 where the user can mend what is wrong."""

    @wraps(command)
    def explained(*args: P.args, **kwargs: P.kwargs) -> R:
        from saddle.errors import UserError
        from saddle.redaction import redact_logs, redacting
        from trainables.datasets.errors import DataError

        redact_logs()
        try:
            set_up_process()
            with redacting():  # saddle's own mistakes end in a traceback, which may quote what it was given
                result = command(*args, **kwargs)
            sys.stdout.flush()  # a reader that has gone is noticed here, not while Python exits
            return result
        except (UserError, DataError) as error:
            tell(error)
            raise typer.Exit(getattr(error, "exit_code", WRONG_INPUT)) from None
        except BrokenPipeError:  # the reader, `head` for example, has gone; nothing may be flushed to it on exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            from saddle.store.infrastructure_errors import infrastructure_error

            fault = infrastructure_error(error)
            if fault is not None:
                tell(fault)
                raise typer.Exit(fault.exit_code) from None
            if isinstance(error, OSError) and error.errno in NO_SUCH_PATH:
                echo(f"saddle: {error.strerror}: {error.filename or 'writing'}", err=True)
                raise typer.Exit(WRONG_INPUT) from None
            raise

    return explained


def tell(error: Exception) -> None:
    """Print what is wrong; the mistakes of a study file one per line, each beginning with its place."""
    problems = getattr(error, "problems", None)
    if problems is None:
        echo(f"saddle: {error}", err=True)
        return
    for problem in problems:
        echo(str(problem), err=True)
    count = f"{len(problems)} mistakes" if len(problems) > 1 else "1 mistake"
    echo(f"saddle: {count}; nothing was started", err=True)
