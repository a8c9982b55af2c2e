"""Published values that a study's results are compared with."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class PublishedValue(BaseModel):
    """One value that somebody published."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    arm: Annotated[str, Field(min_length=1)]
    """The arm it belongs to, as the report calls it, such as `mp` or `perturbation=mp`."""
    metric: Annotated[str, Field(pattern=r"^[a-z_]+/\S+$")]
    """As the trainable names it, such as `test/accuracy`; shares are shares of 1."""
    value: float
    sd: Annotated[float, Field(ge=0)] | None = None
    """Its standard deviation over runs."""
    n: Annotated[int, Field(ge=1)] | None = None
    """Over how many runs."""
    source: str = ""
    """The publication."""
    conditions: dict[str, Any] = Field(default_factory=dict)
    """What it was measured under, by hyperparameter."""


class Published(BaseModel):
    """The values of one table."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    file: str
    """The file they were read from."""
    values: Annotated[list[PublishedValue], Field(min_length=1)]
    """What it held when the study was read."""
    notes: list[str] = Field(default_factory=list)
    """What the file says about them, such as where its source contradicts itself."""
