"""Stands in for pydantic where an exported model is loaded and pydantic isn't installed: it keeps values, unchecked.

What was trained with was checked then. Classes, their defaults and their own methods work; nothing is validated.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

MISSING: Any = ...


class FieldInfo:
    """A field's default and what is said of it."""

    def __init__(
        self, default: Any = MISSING, default_factory: Any = None, annotation: Any = None, **said: Any
    ) -> None:
        self.default, self.default_factory, self.annotation = default, default_factory, annotation
        self.metadata: list[Any] = []
        self.__dict__.update(said)

    def __getattr__(self, name: str) -> None:
        """What was not said."""
        if name.startswith("__"):
            raise AttributeError(name)

    def get_default(self, *, call_default_factory: bool = False) -> Any:
        return self.default_factory() if self.default_factory is not None else copy.deepcopy(self.default)


def Field(default: Any = MISSING, **said: Any) -> Any:  # noqa: N802 - pydantic's name
    return FieldInfo(default, **said)


class BaseModel:
    """Takes every name; what isn't given has its default."""

    model_fields: ClassVar[dict[str, FieldInfo]] = {}

    def __init_subclass__(cls, **said: Any) -> None:
        super().__init_subclass__()
        fields = {name: info for base in reversed(cls.__mro__[1:]) for name, info in _fields_of(base).items()}
        for name, annotation in inspect.get_annotations(cls).items():
            if name.startswith("_") or name == "model_config" or "ClassVar" in str(annotation):
                continue
            declared = cls.__dict__.get(name, MISSING)
            info = declared if isinstance(declared, FieldInfo) else FieldInfo(declared)
            info.annotation = annotation
            fields[name] = info
            if name in cls.__dict__:
                delattr(cls, name)
        cls.model_fields = fields

    def __init__(self, **values: Any) -> None:
        defaults = {name: info.get_default() for name, info in type(self).model_fields.items() if name not in values}
        self.__dict__.update({**defaults, **values})

    @classmethod
    def model_validate(cls, values: Any) -> Any:
        return values if isinstance(values, cls) else cls(**values)

    @classmethod
    def model_construct(cls, **values: Any) -> Any:
        return cls(**values)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Any:
        return type(self)(**{**self.__dict__, **(update or {})})

    def model_dump(self, **how: Any) -> dict[str, Any]:
        return {name: v.model_dump() if isinstance(v, BaseModel) else v for name, v in self.__dict__.items()}

    def __class_getitem__(cls, kind: Any) -> Any:
        return cls


RootModel = BaseModel


def _fields_of(base: type) -> dict[str, FieldInfo]:
    return base.__dict__.get("model_fields", {}) if issubclass(base, BaseModel) else {}


def create_model(name: str, *, __base__: Any = BaseModel, **fields: Any) -> Any:
    annotations = {field: kind for field, (kind, _) in fields.items()}
    return type(
        name, (__base__,), {**{field: info for field, (_, info) in fields.items()}, "__annotations__": annotations}
    )


def ConfigDict(**settings: Any) -> dict[str, Any]:  # noqa: N802 - pydantic's name
    return settings


def _keep(*arguments: Any, **named: Any) -> Callable[[Any], Any]:
    """A decorator that leaves a validator what it is."""
    return lambda function: function


field_validator = model_validator = field_serializer = model_serializer = _keep


def computed_field(function: Any = None, **named: Any) -> Any:
    return function if function is not None else _keep()


def PrivateAttr(default: Any = None, **named: Any) -> Any:  # noqa: N802 - pydantic's name
    return default


class ValidationError(ValueError):
    """Never raised here."""


class _Anything:
    """Whatever else a module takes from pydantic to say what is valid."""

    def __init__(self, *arguments: Any, **named: Any) -> None: ...

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __class_getitem__(cls, kind: Any) -> Any:
        return cls


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return _Anything
