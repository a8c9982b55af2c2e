"""The parameters a search ranges over."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Number = int | float


class Parameter(BaseModel):
    """One searched hyperparameter: `{float: [low, high]}`, `{int: [low, high]}` or `{choice: [...]}`.

    `log: true` searches the logarithm, `step` a lattice; `when: {other: value}` makes it conditional.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)

    float_range: tuple[float, float] | None = Field(default=None, alias="float")
    int_range: tuple[int, int] | None = Field(default=None, alias="int")
    choice: list[Any] | None = Field(default=None, min_length=1)
    log: bool = False
    step: Number | None = Field(default=None, gt=0)
    when: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        kinds = [self.float_range is not None, self.int_range is not None, self.choice is not None]
        if sum(kinds) != 1:
            raise ValueError("exactly one of float, int and choice is wanted")
        if self.choice is not None:
            if self.log or self.step is not None:
                raise ValueError("log and step go with float and int, not with choice")
            return self
        low, high = self.bounds
        if low >= high:
            raise ValueError(f"the range is upside down: {low:g} is not below {high:g}; write [{high:g}, {low:g}]")
        if self.log and low <= 0:
            raise ValueError(f"a log scale can't start at {low:g}; choose a lower end above zero")
        if self.log and self.step is not None:
            raise ValueError("log and step exclude each other")
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """Lower and upper end of a float or int range."""
        return self.float_range or self.int_range or (0.0, 0.0)

    def active(self, params: dict[str, Any]) -> bool:
        """Whether the parameters drawn so far (or fixed) meet every condition of `when`."""
        return all(
            params.get(name) in wanted if isinstance(wanted, list) else params.get(name) == wanted
            for name, wanted in self.when.items()
        )
