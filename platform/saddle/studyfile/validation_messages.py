"""Pydantic's validation errors in plain words: one mistake each, with the nearest valid name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import zip_longest
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from saddle.study.nearest import nearest
from saddle.studyfile.problem import Path, show

IN_OTHER_WORDS = {
    "model_type": "expected a mapping, such as {key: value}",
    "dict_type": "expected a mapping, such as {key: value}",
    "list_type": "expected a list, such as [first, second]",
    "tuple_type": "expected a list, such as [first, second]",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "string_type": "expected a text",
    "finite_number": "expected a finite number",
}


NUMERIC = frozenset({"int_type", "int_parsing", "int_from_float", "float_type", "float_parsing", "finite_number"})
"""Errors about a value that is not a number although one is expected."""


class Mistake(NamedTuple):
    """What is wrong at a path of the validated value."""

    path: Path
    what: str
    right: str = ""
    nearest: str | None = None


def mistakes_in(kind: Any, value: Any) -> tuple[Any, list[Mistake]]:
    """The value validated as `kind`, or None and the mistakes."""
    try:
        return TypeAdapter(kind).validate_python(value), []
    except ValidationError as error:
        return None, explain(error, kind, value)


@lru_cache(maxsize=4096)  # making one takes longer than asking it 1,000 times, and a factor may have 2,000 levels
def field_adapter(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    """What validates a single field of a model, but for the model's own validators."""
    info = model.model_fields[name]
    kind: Any = Annotated[info.annotation, info]
    return TypeAdapter(kind)


def wants_numbers(adapter: TypeAdapter[Any], value: Any) -> list[Path]:
    """Where in `value` there is something else than the number wanted there."""
    try:
        adapter.validate_python(value)
        return []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    except Exception:  # a third party's validator may raise anything; the checks report it
        return []
    return list(dict.fromkeys(_path_in(value, details) for details in errors if details["type"] in NUMERIC))


def explain(error: ValidationError, kind: Any, value: Any) -> list[Mistake]:
    """One mistake for every wrong spot in `value`, which failed to validate as `kind`."""
    mistakes: dict[Path, list[Mistake]] = {}
    for details in error.errors(include_url=False):
        path = _path_in(value, details)
        mistakes.setdefault(path, []).append(_in_plain_words(path, details, kind))
    # A union complains of the whole value, too, if one member of it already says which part is wrong.
    deepest = [path for path in mistakes if not any(_lies_in(other, path) for other in mistakes)]
    return [_joined(mistakes[path]) for path in deepest]


def names_at(kind: Any, path: Path) -> list[str]:
    """The keys that models allow at `path` of a value of type `kind`."""
    return [key for model in _models_at(kind, path) for key in keys_of(model)]


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys of a model as a file writes them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _lies_in(path: Path, other: Path) -> bool:
    return len(path) > len(other) and path[: len(other)] == other


def _path_in(value: Any, details: ErrorDetails) -> Path:
    """Where the error is in the value; pydantic's own location also names the members of unions."""
    path: list[str | int] = []
    for part, after in zip_longest(details["loc"], details["loc"][1:]):
        items = dict(enumerate(value)) if isinstance(value, list) else value
        if isinstance(items, dict) and part in items and not _is_tag(items, part, after):
            value = items[part]
            path.append(part)
    # The key is missing, or was written in a short form (`sampler: tppe`) that holds no mapping.
    if details["type"] in ("missing", "extra_forbidden") and path[-1:] != [details["loc"][-1]]:
        path.append(details["loc"][-1])
    return tuple(path)


def _is_tag(items: Mapping[Any, Any], part: Any, after: Any) -> bool:
    """Whether a part of pydantic's location names a member of a union, although there is a key of that name, too.

    As in {folder: letters, range: 5}, where what is wrong with `range` is at (folder, range).
    """
    return after in items and not (isinstance(items[part], Mapping) and after in items[part])


def _in_plain_words(path: Path, details: ErrorDetails, kind: Any) -> Mistake:
    sort, value, message = details["type"], details["input"], details["msg"]
    if sort == "extra_forbidden":
        names = names_at(kind, path[:-1])
        return Mistake(path, f"unknown key {path[-1]!r}", f"known are: {', '.join(names)}", nearest(path[-1], names))
    if sort == "missing":
        return Mistake(path, "this is missing")
    if sort == "value_error":
        return Mistake(path, str(details["ctx"]["error"]))
    if sort in ("literal_error", "enum"):
        expected = str(details["ctx"]["expected"])
        options = [option.strip(" '") for part in expected.split(" or ") for option in part.split(",")]
        return Mistake(path, f"{show(value)} is not known", f"known are: {', '.join(options)}", nearest(value, options))
    right = IN_OTHER_WORDS.get(
        sort, message.replace("Input should be", "it must be").replace("String should", "it should")
    )
    return Mistake(path, f"{show(value)} is not accepted", right)


def _joined(mistakes: list[Mistake]) -> Mistake:
    """One mistake for the complaints of all members of a union about the same spot."""
    first = mistakes[0]
    rights = list(dict.fromkeys(mistake.right for mistake in mistakes if mistake.right))
    return first._replace(right=", or ".join([*rights[:1], *(right.removeprefix("expected ") for right in rights[1:])]))


def _models_at(kind: Any, path: Path) -> list[type[BaseModel]]:
    models = list(_models_in(kind))
    for part in path:
        fields = [f for model in models for name, f in model.model_fields.items() if part in (name, f.alias)]
        if fields:  # else it is an index of a list or a key of a plain mapping, whose items are of these models
            models = [inner for field in fields for inner in _models_in(field.annotation)]
    return models


def _models_in(kind: Any) -> list[type[BaseModel]]:
    """The models in a type such as `list[Objective] | None`."""
    if isinstance(kind, type) and get_origin(kind) is None and issubclass(kind, BaseModel):
        return [kind]
    inner = get_args(kind)[:1] if get_origin(kind) is Annotated else get_args(kind)
    return [model for argument in inner for model in _models_in(argument)]
