"""Which columns of a Parquet file hold images, labels and their names, from its schema. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainables.datasets.errors import DataError, nearest
from trainables.datasets.names import normal

IMAGES = ("image", "img", "picture", "photo")
LABELS = ("label", "labels", "fine_label", "coarse_label", "class", "target", "category")
"""Usual names of columns, the likeliest first."""
HUGGING_FACE = b"huggingface"
BOOLEANS = ("false", "true")
BYTES = "bytes"
"""The field of Hugging Face's image structs that holds the encoded image."""
PATH = "path"
"""The field next to it that holds the name of its file."""


@dataclass(frozen=True)
class Columns:
    """The columns of one file by what they hold; `class_names`: those of the labels 0, 1, … if the schema has them."""

    image: str
    label: str
    label_name: str | None
    mask: str | None
    group: str | None = None
    """The group of several images, such as a track, a patient or a larger image."""
    origin: str | None = None
    """The name of each image's original file: a column `source`, or the paths in Hugging Face's structs."""
    class_names: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()


def find_columns(
    file: Any, schema: Any, image: str | None = None, label: str | None = None, group: str | None = None
) -> Columns:
    """The columns of a file with this schema, those named `image`, `label` and `group` if they are given.

    Raises `DataError` if one is absent or of another type.
    """
    features = _features(schema)
    images = _column(file, schema, "image", image, IMAGES, _of_type(features, "Image"))
    labels = _column(file, schema, "label", label, LABELS, _of_type(features, "ClassLabel"))
    others = [name for name in (*LABELS, *_of_type(features, "ClassLabel")) if name in schema.names and name != labels]
    remarks: tuple[str, ...] = ()
    if label is None and labels != "label" and others:
        remarks = (
            f"labels are those of column {labels!r}; `label: {others[0]}` next to the files' names takes another",
        )
    optional = {name: name if name in schema.names else None for name in ("label_name", "mask", "group")}
    if group is not None:
        optional["group"] = _column(file, schema, "group", group, (), ())
    for name, what, accepts in (
        (images, "encoded bytes (binary)", _is_image),
        (labels, "integers or text", _is_label),
        (optional["label_name"], "text", _is_text),
        (optional["mask"], "encoded bytes (binary)", _is_image),
        (optional["group"], "integers or text", _is_group),
    ):
        if name is not None and not accepts(_value_type(schema.field(name).type)):
            raise DataError(f"{file}: column {name!r} must hold {what}, not {schema.field(name).type}")
    named = _class_names(features.get(labels, {}))
    if named is None and _is_boolean(schema.field(labels).type):
        named = BOOLEANS
    origin = _origin(schema, images)
    return Columns(images, labels, optional["label_name"], optional["mask"], optional["group"], origin, named, remarks)


def _origin(schema: Any, images: str) -> str | None:
    import pyarrow as pa

    if "source" in schema.names and _is_text(schema.field("source").type):
        return "source"
    kind = schema.field(images).type
    at = kind.get_field_index(PATH) if pa.types.is_struct(kind) else -1
    return f"{images}.{PATH}" if at >= 0 and _is_text(kind.field(at).type) else None


def reading_path(schema: Any, name: str) -> str:
    """What is read of a column: only the bytes of a struct, unless `name` asks for its path."""
    import pyarrow as pa

    if name not in schema.names:
        return name
    return f"{name}.{BYTES}" if pa.types.is_struct(schema.field(name).type) else name


def values_of(batch: Any, name: str) -> list[Any]:
    """The plain values of a column, None for null; for structs their bytes, or their path if `name` is set."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if name not in batch.schema.names:
        column = pc.struct_field(batch.column(name.removesuffix(f".{PATH}")), PATH)
    else:
        column = batch.column(name)
    if pa.types.is_struct(column.type):
        column = pc.struct_field(column, BYTES)
    values: list[Any] = column.to_pylist()
    return values


def _column(file: Any, schema: Any, what: str, named: str | None, usual: Sequence[str], declared: Sequence[str]) -> str:
    if named is not None:
        if named not in schema.names:
            raise DataError(f"{file} has no column {named!r}; {nearest(named, schema.names)}")
        return named
    for name in (what, *(declared if len(declared) == 1 else ()), *usual):
        if name in schema.names:
            return name
    raise DataError(
        f"{file} has no column {what!r}; its columns are {', '.join(schema.names) or 'none'}; "
        f"{nearest(what, schema.names)} (`{what}: COLUMN` next to the files' names takes another)"
    )


def _features(schema: Any) -> Mapping[str, Any]:
    """The metadata of columns by Hugging Face's `datasets`; empty if it didn't write the file."""
    try:
        noted = json.loads((schema.metadata or {}).get(HUGGING_FACE, b"{}"))
        features = noted["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    return {name: feature for name, feature in features.items() if isinstance(feature, Mapping)} if features else {}


def _of_type(features: Mapping[str, Any], kind: str) -> list[str]:
    return [name for name, feature in features.items() if feature.get("_type") == kind]


def _class_names(feature: Mapping[str, Any]) -> tuple[str, ...] | None:
    names = feature.get("names")
    if isinstance(names, Mapping):  # {"0": "cat", …}
        names = [names[key] for key in sorted(names, key=int)]
    return tuple(normal(str(name)) for name in names) if names else None


def _value_type(kind: Any) -> Any:
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_image(kind: Any) -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        at = kind.get_field_index(BYTES)
        return bool(at >= 0 and _is_image(kind.field(at).type))
    tests = (types.is_binary, types.is_large_binary, types.is_binary_view, types.is_null)
    return any(test(kind) for test in tests)


def _is_label(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or _is_text(kind))


def _is_group(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(_value_type(kind)) or _is_text(kind))


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    tests = (types.is_string, types.is_large_string, types.is_string_view, types.is_null)
    return any(test(_value_type(kind)) for test in tests)


def _is_boolean(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_boolean(_value_type(kind)))
