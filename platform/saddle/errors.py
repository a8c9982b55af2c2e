"""The root of everything that is the user's to mend, and the exit code each kind ends a command with."""

from __future__ import annotations

from typing import ClassVar


class UserError(Exception):
    """Something a person asked for can't be done; the message says why and what would work."""

    exit_code: ClassVar[int] = 2


class InfrastructureError(UserError):
    """The machine, disk or network failed; nothing that finished is lost, and the same command goes on later."""

    exit_code: ClassVar[int] = 3
