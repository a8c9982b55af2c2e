"""What every scheduler needs: when, where, and which command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from saddle.errors import UserError
from saddle.study.models import Study
from saddle.study.nightly import Nightly

TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class Schedule:
    """A night that is to start every day at `hour`:`minute`; `command` runs it in `folder`."""

    study: Study
    hour: int
    minute: int
    folder: str
    command: Sequence[str]
    storage: str

    @property
    def nightly(self) -> Nightly:
        """What the study says of its nights."""
        assert self.study.nightly is not None
        return self.study.nightly

    @property
    def name(self) -> str:
        """What the schedule is called: lower case letters, digits and dashes."""
        return f"saddle-{re.sub(r'[^a-z0-9]+', '-', self.study.study.lower()).strip('-')}"[:52].rstrip("-")

    @property
    def line(self) -> str:
        """The command as a shell takes it."""
        return shlex.join(self.command)

    @property
    def variables(self) -> list[str]:
        """The variables of the environment that hold the addresses of webhooks."""
        return [channel.variable for channel in self.nightly.notify if channel.variable is not None]


def parse_time(text: str) -> tuple[int, int]:
    """The hour and minute of `02:30`; raises `UserError`."""
    match = TIME.fullmatch(text)
    if match is None:
        raise UserError(f"--at {text} is not a time of day; write it as 02:30")
    return int(match[1]), int(match[2])
