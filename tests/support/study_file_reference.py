"""The reference of study files, made from their JSON Schema; run as a module, this file writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from saddle.studyfile.schema import study_schema

PAGE = Path(__file__).parents[2] / "docs/study-file-reference.md"
LEAD = """# Study-file reference

Every key that a study file may have, made from the schema that checks it (`saddle schema`). How they are used together
is in [study files](study-files.md).
"""
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}

Schema = Mapping[str, Any]


def reference() -> str:
    """The page as Markdown."""
    schema = study_schema()
    sections = [_section("study", schema)]
    sections += [_section(name, part) for name, part in sorted(schema["$defs"].items())]
    return "\n".join([LEAD, *sections])


def _section(name: str, part: Schema) -> str:
    described = " ".join(part.get("description", "").split())
    if not part.get("properties"):  # one word, or text, that may also be written as a mapping
        return f"## {name}\n\n{described}\n\n{_type(part)}\n"
    required = set(part.get("required", ()))
    rows = [_row(key, value, required=key in required) for key, value in part["properties"].items()]
    head = [
        f"## {name}",
        "",
        described,
        "",
        "| key | value | default | |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


def _row(key: str, value: Schema, *, required: bool) -> str:
    described = " ".join(_first(value, "description", "").split()).replace("|", "\\|")
    default = "required" if required else _default(_first(value, "default", None))
    return f"| `{key}` | {_type(value)} | {default} | {described} |"


def _first(value: Schema, name: str, otherwise: Any) -> Any:
    """The entry `name` of the schema or of the first alternative that has one."""
    if name in value:
        return value[name]
    return next(
        (_first(part, name, None) for part in value.get("anyOf", ()) if _first(part, name, None) is not None), otherwise
    )


def _default(value: Any) -> str:
    """The default as JSON, without null values."""
    stated = {name: part for name, part in value.items() if part is not None} if isinstance(value, dict) else value
    return "" if stated in (None, "", [], {}) else f"`{json.dumps(stated, ensure_ascii=False)}`"


def _type(value: Schema) -> str:
    """The allowed values, in words: types, choices, bounds, and links to the sections of other models."""
    if value.get("properties"):
        return "a mapping with " + " or ".join(f"`{key}:` {_type(part)}" for key, part in value["properties"].items())
    if "anyOf" in value or "oneOf" in value:
        kinds = dict.fromkeys(_type(part) for part in (*value.get("anyOf", ()), *value.get("oneOf", ())))
        return " or ".join(kind for kind in kinds if kind not in ("null", "")) or "null"
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in value:
        return ", ".join(f"`{choice}`" for choice in value["enum"])
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    return _plain(value)


def _plain(value: Schema) -> str:
    kind = value.get("type", "any")
    kind = " or ".join(kind) if isinstance(kind, list) else kind
    if kind == "array":
        items = _type(value["items"]) if isinstance(value.get("items"), dict) else "any"
        return f"list of {items}"
    if kind == "object":
        inner = value.get("additionalProperties")
        return f"mapping to {_type(inner)}" if isinstance(inner, dict) else "mapping"
    bounds = [f"{sign} {value[name]}" for name, sign in BOUNDS.items() if name in value]
    return f"{kind} {', '.join(bounds)}" if bounds else kind


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
