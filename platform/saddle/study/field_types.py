"""What the models of a study file are made of: strict types, closed sections, and a choice of one among several."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

STUDY_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"

# Strict, because YAML has its own types: a quoted "12" is a text and `true` is no 1.
Whole = Annotated[int, Field(strict=True, ge=0)]
Count = Annotated[int, Field(strict=True, ge=1)]
Several = Annotated[int, Field(strict=True, ge=2)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**32)]
Positive = Annotated[float, Field(strict=True, gt=0)]
Flag = Annotated[bool, Field(strict=True)]


class Section(BaseModel):
    """Base of every part of a study file: frozen, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class OneOf(Section):
    """A choice written `name`, or `{name: {option: value}}`; exactly one name may be given."""

    @model_validator(mode="before")
    @classmethod
    def _accept_bare_name(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {value: {}}
        if isinstance(value, dict) and len(value) != 1:
            raise ValueError(f"give exactly one of {', '.join(cls.model_fields)}, not {len(value)}")
        if isinstance(value, dict):
            return {name: {} if options is None else options for name, options in value.items()}
        return value

    @property
    def name(self) -> str:
        """The chosen name."""
        return next(iter(self.model_fields_set))

    @property
    def options(self) -> Any:
        """The options of the chosen name."""
        return getattr(self, self.name)
