"""The configuration of a function: from the annotation of its first parameter, or else from what the study names."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from trainables.contract import Config


class OpenConfig(Config):
    """A configuration that accepts every name, for a function that declares none."""

    model_config = ConfigDict(extra="allow")


class Values(dict[str, Any]):
    """The values of a configuration for a function that declares none: a dict.

    They are also attributes: `config["lr"]`, `config.lr`, `config.get("lr", 0.1)`, `**config`.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the configuration has no {name}; it has {', '.join(self) or 'nothing'}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


@dataclasses.dataclass(frozen=True)
class ConfigAdapter:
    """The pydantic model that the platform uses, and what the function gets for a value of it."""

    model: type[Config]
    convert: Callable[[Any], Any] = lambda config: config


def config_of(function: Callable[..., Any], declared: Any, settings: Mapping[str, Any]) -> ConfigAdapter:
    """The configuration of `function`: `declared` in its file, else its annotation, else the study's `settings`.

    A dataclass, a pydantic model and `dict` are accepted; raises `TypeError` for anything else.
    """
    kind = declared if declared is not None else annotation_of(function)
    if kind is None or kind is Any:
        return ConfigAdapter(open_config(settings), lambda config: Values(config.model_dump()))
    if kind is dict or getattr(kind, "__origin__", None) in (dict, Mapping):
        return ConfigAdapter(open_config(settings), lambda config: config.model_dump())
    if isinstance(kind, type) and issubclass(kind, Config):
        return ConfigAdapter(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return ConfigAdapter(closed_model(kind), lambda config: kind.model_validate(config.model_dump()))
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return ConfigAdapter(dataclass_model(kind), lambda config: kind(**values_of(config)))
    raise TypeError(f"the configuration is a {kind!r}; expected a dataclass, a pydantic model or a dict")


def annotation_of(function: Callable[..., Any]) -> Any:
    """The annotation of a function's first parameter; None if it has none."""
    names = list(inspect.signature(function).parameters)
    return get_type_hints(function).get(names[0]) if names else None


def open_config(settings: Mapping[str, Any]) -> type[Config]:
    """A configuration with these names and defaults, whose values may be of any type."""
    fields: dict[str, Any] = {name: (Any, described(value)) for name, value in settings.items()}
    return create_model("Config", __base__=OpenConfig, **fields)


def dataclass_model(kind: type) -> type[Config]:
    """The fields of a dataclass as a configuration."""
    hints = get_type_hints(kind)
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        if field.default_factory is not dataclasses.MISSING:
            fields[field.name] = (hints[field.name], described(factory=field.default_factory))
        else:
            default = ... if field.default is dataclasses.MISSING else field.default
            fields[field.name] = (hints[field.name], described(default))
    return create_model(kind.__name__, __base__=Config, __doc__=kind.__doc__, **fields)


def closed_model(kind: type[BaseModel]) -> type[Config]:
    """A pydantic model as a configuration, which is frozen and refuses unknown names."""
    fields: dict[str, Any] = {name: (info.annotation, info) for name, info in kind.model_fields.items()}
    return create_model(kind.__name__, __base__=Config, __doc__=kind.__doc__, **fields)


def described(default: Any = ..., factory: Callable[[], Any] | None = None) -> Any:
    """A field whose default comes from the user's code."""
    extra: dict[str, Any] = {"source": "assumed"}
    if factory is not None:
        return Field(default_factory=factory, json_schema_extra=extra)
    return Field(default, json_schema_extra=extra)


def values_of(config: BaseModel) -> dict[str, Any]:
    """The values of a configuration, nested ones unchanged."""
    return {name: getattr(config, name) for name in type(config).model_fields}
