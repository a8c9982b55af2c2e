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
    """The metric's name in the trainable, such as `test/accuracy`; shares are shares of 1."""
    value: float
    sd: Annotated[float, Field(ge=0)] | None = None
    """Standard deviation over runs."""
    n: Annotated[int, Field(ge=1)] | None = None
    """Number of runs."""
    source: str = ""
    """The publication."""
    conditions: dict[str, Any] = Field(default_factory=dict)
    """The conditions of the measurement, by hyperparameter."""


class Published(BaseModel):
    """The values of one table."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    file: str
    """The file that they were read from."""
    values: Annotated[list[PublishedValue], Field(min_length=1)]
    """The content of the file when the study was read."""
    notes: list[str] = Field(default_factory=list)
    """Remarks of the file, such as contradictions in its source."""
