"""What the `nightly` of a study file may say: the policy of an ablation that runs every night."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from saddle.redaction import redact
from saddle.study.field_types import Section

VARIABLE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
SECRET_WRITTEN = "a study file is stored and shown, so it can't hold what is secret"


class Channel(Section):
    """Who is told of a night: a webhook, or a command that gets the text on its standard input."""

    webhook: str | None = None
    """`env:NAME`, the variable of the environment that holds the address; it gets a POST of `{"text": …}`."""
    command: Annotated[str, Field(min_length=1)] | None = None
    """A line for the shell."""

    @field_validator("webhook", mode="before")
    @classmethod
    def _name_a_variable(cls, value: Any) -> Any:
        if value is not None and (not isinstance(value, str) or VARIABLE.fullmatch(value) is None):
            # the value is not repeated: it may be the address, which is secret
            raise ValueError(f"a webhook is written env:NAME; {SECRET_WRITTEN}: put the address into that variable")
        return value

    @field_validator("command")
    @classmethod
    def _holds_no_secret(cls, value: str | None) -> str | None:
        if value is not None and redact(value) != value:
            raise ValueError(f"this command holds a secret; {SECRET_WRITTEN}: let it read a variable or a file")
        return value

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.webhook is None) == (self.command is None):
            raise ValueError("exactly one of webhook and command is wanted")
        return self

    @property
    def variable(self) -> str | None:
        """The variable that holds the webhook's address; None of a command."""
        match = None if self.webhook is None else VARIABLE.fullmatch(self.webhook)
        return None if match is None else match[1]

    @property
    def name(self) -> str:
        """What the channel is called where it is spoken of."""
        return f"webhook {self.webhook}" if self.webhook is not None else f"command {self.command}"


class Nightly(Section):
    """How an ablation runs night after night; its arms are those of the ablation, its seeds follow from here."""

    pool: Annotated[int, Field(strict=True, ge=3, le=1000)] = 30
    """Seeds of the references that later nights are compared with, trained under one commit."""
    rotation: Annotated[int, Field(strict=True, ge=1)] = 3
    """Seeds of the pool that a night repeats, in turn."""
    missed: Literal["catch_up", "skip"] = "skip"
    """Whether nights that did not run are caught up, each with the code of its date, or left out."""
    overlap: Literal["wait", "skip"] = "skip"
    """Whether a night that begins while another one runs waits for its end, or is left out."""
    notify: Annotated[list[Channel], Field(max_length=8)] = Field(default_factory=list)
    """Who is told where a night changed something, or could not run."""
    timezone: str = "UTC"
    """In which the date of a night is told, such as `Europe/Berlin`."""
    machine: Annotated[str, Field(pattern=r"^[\w .@()+-]{1,80}$")] | None = None
    """What the type of the machine is called, where it is not to be read from this one: of a cluster's nodes."""

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is no time zone; write UTC, or a place such as Europe/Berlin")
        return value

    @model_validator(mode="after")
    def _rotates_within_the_pool(self) -> Self:
        if self.rotation > self.pool:
            raise ValueError(f"a night can't repeat {self.rotation} of {self.pool} seeds; write rotation: {self.pool}")
        return self
