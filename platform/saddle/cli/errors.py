"""What a user did wrong is told in plain words with exit code 2; only saddle's own mistakes show a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import typer

P = ParamSpec("P")
R = TypeVar("R")

WRONG_INPUT = 2


def explain(command: Callable[P, R]) -> Callable[P, R]:
    """Let a command end with a message and exit code 2 where the user can mend what is wrong."""

    @wraps(command)
    def explained(*args: P.args, **kwargs: P.kwargs) -> R:
        from saddle.errors import UserError
        from trainables.datasets.errors import DataError

        try:
            return command(*args, **kwargs)
        except (UserError, DataError) as error:
            typer.echo(f"saddle: {error}", err=True)
            raise typer.Exit(WRONG_INPUT) from None
        except BrokenPipeError:  # the reader, `head` for example, has gone
            sys.stderr.close()
            raise typer.Exit(0) from None

    return explained
