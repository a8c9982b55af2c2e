"""A trainable's configuration: fields with ranges and sources, and how values are completed. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from trainables.provenance import Source


class Config(BaseModel):
    """Base of a trainable's configuration: frozen, and unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def hyperparameter(
    default: Any,
    *,
    source: Source,
    description: str,
    unit: str | None = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    levels: Mapping[str, str] | None = None,
) -> Any:
    """Declare a field of a `Config` with its range, unit, default and where the default comes from.

    `levels`: the meanings of values with short names, which reports also print.
    """
    return Field(
        default,
        description=description,
        ge=ge,
        gt=gt,
        le=le,
        lt=lt,
        json_schema_extra={"source": source, "unit": unit, **({"levels": dict(levels)} if levels else {})},
    )


@dataclass(frozen=True, eq=False)
class Retired:
    """Annotates a field with `values` that stored trials may have and new ones may not, and what to use instead."""

    values: Mapping[str, str]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            lambda value, inner: value if isinstance(value, str) and value in self.values else inner(value),
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )


class Default(NamedTuple):
    """A value that a recipe, a scale or a dataset gives to a field, and where it comes from.

    `reference`: the author in words, such as `Rice et al. (2020)`, if known.
    """

    value: Any
    source: Source
    reference: str = ""


@dataclass(frozen=True)
class Resolved:
    """A complete configuration and, field by field, where each value comes from (`study file` for given ones).

    `references`: the authors of values, for fields whose default states them.
    """

    config: Config
    sources: Mapping[str, str]
    references: Mapping[str, str] = field(default_factory=dict)


def _refuse_retired(config: Config) -> None:
    problems: list[InitErrorDetails] = [
        {
            "type": PydanticCustomError("retired", "{reason}", {"reason": mark.values[value]}),
            "loc": (name,),
            "input": value,
        }
        for name, spec in type(config).model_fields.items()
        for mark in spec.metadata
        if isinstance(mark, Retired) and (value := getattr(config, name)) in mark.values
    ]
    if problems:
        raise ValidationError.from_exception_data(type(config).__name__, problems)


def field_source(config_type: type[Config], name: str) -> str:
    """Where the default of a field comes from; `assumed` if its author didn't state it."""
    extra = config_type.model_fields[name].json_schema_extra
    return str(extra.get("source", "assumed")) if isinstance(extra, dict) else "assumed"


def find_defaults(
    trainable: Any, given: Mapping[str, Any], recipe: str | None, scale: str | None
) -> Mapping[str, Default]:
    """The values of the trainable's optional `defaults` for fields that are left open."""
    find = getattr(trainable, "defaults", None)
    defaults: Mapping[str, Default] = find(given, recipe, scale) if find else {}
    return defaults


def resolve(
    trainable: Any,
    given: Mapping[str, Any],
    recipe: str | None = None,
    scale: str | None = None,
) -> Resolved:
    """Complete `given` from recipe, scale and field defaults, in this order of precedence.

    Raises `pydantic.ValidationError` for values that the configuration refuses, or accepts for stored trials only
    (`Retired`).
    """
    defaults = find_defaults(trainable, given, recipe, scale)
    config_type: type[Config] = trainable.Config
    config = config_type.model_validate({**{name: d.value for name, d in defaults.items()}, **given})
    _refuse_retired(config)
    sources = {
        name: "study file" if name in given
        else defaults[name].source if name in defaults
        else field_source(config_type, name)
        for name in config_type.model_fields
    }  # fmt: skip
    references = {name: d.reference for name, d in defaults.items() if d.reference and name not in given}
    return Resolved(config, sources, references)
