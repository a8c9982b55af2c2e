"""Channels of notifications: that a study has ended, or what a night has shown."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from saddle.redaction import redact
from saddle.study.field_types import Section

VARIABLE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
SECRET_WRITTEN = "a study file is stored and shown, so it must not contain secrets"


class Channel(Section):
    """A receiver of notifications: a webhook, or a command that gets the text on its standard input."""

    webhook: str | None = None
    """`env:NAME`, the environment variable with the address; it gets a POST of `{"text": …}`."""
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
            raise ValueError("give exactly one of webhook and command")
        return self

    @property
    def variable(self) -> str | None:
        """The variable that holds the webhook's address; None of a command."""
        match = None if self.webhook is None else VARIABLE.fullmatch(self.webhook)
        return None if match is None else match[1]

    @property
    def name(self) -> str:
        """The name of the channel in messages."""
        return f"webhook {self.webhook}" if self.webhook is not None else f"command {self.command}"
