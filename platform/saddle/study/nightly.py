"""What the `nightly` of a study file may say: the policy of an ablation that runs every night."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from saddle.study.channel import Channel
from saddle.study.field_types import Section


class Nightly(Section):
    """How an ablation runs night after night; its arms are those of the ablation, its seeds follow from here."""

    pool: Annotated[int, Field(strict=True, ge=3, le=1000)] = 30
    """Seeds of the references that later nights are compared with, trained under one commit."""
    rotation: Annotated[int, Field(strict=True, ge=1)] = 3
    """Seeds of the pool that a night repeats, in turn."""
    missed: Literal["catch_up", "skip"] = "skip"
    """Whether missed nights are run later, each with the code of its date, or skipped."""
    overlap: Literal["wait", "skip"] = "skip"
    """Whether a night that begins while another one is running waits for its end or is skipped."""
    notify: Annotated[list[Channel], Field(max_length=8)] = Field(default_factory=list)
    """Who is notified if a night changed something, or could not run."""
    timezone: str = "UTC"
    """The time zone of a night's date, such as `Europe/Berlin`."""
    machine: Annotated[str, Field(pattern=r"^[\w .@()+-]{1,80}$")] | None = None
    """The name of the machine type; needed for a cluster's nodes, else read from this machine."""

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is not a time zone; write UTC, or a place such as Europe/Berlin")
        return value

    @model_validator(mode="after")
    def _rotates_within_the_pool(self) -> Self:
        if self.rotation > self.pool:
            raise ValueError(f"a night can't repeat {self.rotation} of {self.pool} seeds; write rotation: {self.pool}")
        return self
