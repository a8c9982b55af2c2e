"""The parameters a search ranges over."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from saddle.study.values import same

# Strict, because YAML has its own types: a quoted "0.1" is a text and `true` is no 1.
Real = Annotated[float, Field(strict=True)]
Integer = Annotated[int, Field(strict=True)]


class Parameter(BaseModel):
    """One searched hyperparameter: `{float: [low, high]}`, `{int: [low, high]}` or `{choice: [...]}`."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True, use_attribute_docstrings=True
    )

    float_range: tuple[Real, Real] | None = Field(default=None, alias="float")
    """Lowest and highest number."""
    int_range: tuple[Integer, Integer] | None = Field(default=None, alias="int")
    """Lowest and highest whole number."""
    choice: Annotated[list[Any], Field(min_length=1)] | None = None
    """The values to choose from."""
    log: Annotated[bool, Field(strict=True)] = False
    """Whether to search on a logarithmic scale."""
    step: Annotated[float, Field(strict=True, gt=0)] | None = None
    """The distance between values, starting from the lowest."""
    when: dict[str, Any] = Field(default_factory=dict)
    """Search this parameter only if another one has this value, or one of a list of values."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        kinds = [self.float_range is not None, self.int_range is not None, self.choice is not None]
        if sum(kinds) != 1:
            raise ValueError("give exactly one of float, int and choice")
        if self.choice is not None:
            if self.log or self.step is not None:
                raise ValueError("log and step go with float and int, not with choice")
            return self
        low, high = self.bounds
        if low > high:
            raise ValueError(f"the range is reversed: {low!r} is above {high!r}; write [{high!r}, {low!r}]")
        if low == high:
            raise ValueError(f"the range holds only {low!r}; move it to fixed, or widen the range")
        if self.log and low <= 0:
            raise ValueError(f"a log scale can't start at {low!r}; choose a lower bound above zero")
        if self.log and self.step is not None:
            raise ValueError("log and step exclude each other; keep one of them")
        if self.step is not None and self.step > high - low:
            raise ValueError(f"the step {self.step!r} is wider than the range; choose at most {high - low!r}")
        if self.step is not None and self.int_range is not None and self.step % 1:
            raise ValueError(f"the step {self.step!r} of an int range is not a whole number; choose 1 or more")
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """Lower and upper end of a float or int range."""
        return self.float_range or self.int_range or (0.0, 0.0)

    def active(self, params: dict[str, Any]) -> bool:
        """Whether the parameters drawn so far (or fixed) meet every condition of `when`."""
        return all(
            any(same(params.get(name), value) for value in (wanted if isinstance(wanted, list) else [wanted]))
            for name, wanted in self.when.items()
        )
