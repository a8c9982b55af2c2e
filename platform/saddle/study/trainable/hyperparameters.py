"""What can be set of a trainable, field by field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from saddle.errors import UserError
from saddle.study.trainable.loading import LoadedTrainable, load_trainable
from trainables.contract import field_source, find_defaults

BOUNDS = {"minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "exclusiveMaximum": "< {}"}


def describe_trainable(
    name: str, recipe: str | None = None, scale: str | None = None, settings: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Recipes, scales, metrics, components and hyperparameters of a trainable; raises `TrainableError`.

    Where a recipe, a scale or `settings` are named, defaults are those that a study with these would have, which
    raises `UserError` for one that doesn't exist.
    """
    trainable = load_trainable(name)
    defaults = defaults_of(trainable, recipe, scale, settings)
    schema = trainable.schema
    lines = (trainable.code.__doc__ or "").strip().splitlines()
    return {
        "name": name,
        "about": lines[0] if lines else "",
        "recipes": list(trainable.recipes),
        "scales": list(trainable.scales),
        "metrics": {name: metric.direction for name, metric in trainable.metrics.items() if metric.shown},
        "selection": trainable.selection,
        "components": [
            {"name": part, "description": about.description, "on": dict(about.on), "off": dict(about.off)}
            for part, about in trainable.components.items()
        ],
        "hyperparameters": [
            {
                "name": field,
                "type": describe_type(facts, schema.get("$defs", {})),
                "range": describe_range(facts),
                "unit": facts.get("unit"),
                **defaults.get(
                    field,
                    {
                        "default": facts.get("default"),
                        "source": field_source(trainable.Config, field),
                        "reference": "",
                    },
                ),
                "description": facts.get("description", ""),
            }
            for field, facts in schema["properties"].items()
        ],
    }


def defaults_of(
    trainable: LoadedTrainable, recipe: str | None, scale: str | None, settings: Mapping[str, Any] | None
) -> dict[str, dict[str, Any]]:
    """What recipe and scale make of the defaults, by field; empty if none of them is named."""
    if recipe is None and scale is None and not settings:
        return {}
    try:
        defaults = find_defaults(trainable.code, settings or {}, recipe, scale)
    except ValueError as error:
        raise UserError(str(error)) from error
    return {
        **{
            name: {"default": default.value, "source": default.source, "reference": default.reference}
            for name, default in defaults.items()
        },
        **{name: {"default": value, "source": "given", "reference": ""} for name, value in (settings or {}).items()},
    }


def describe_range(facts: dict[str, Any]) -> str | None:
    """The bounds of a field, in signs."""
    for option in (facts, *facts.get("anyOf", ())):
        bounds = [sign.format(f"{option[key]:g}") for key, sign in BOUNDS.items() if key in option]
        if bounds:
            return ", ".join(bounds)
    return None


def describe_type(facts: dict[str, Any], definitions: dict[str, Any]) -> str:
    """The type of a field in a word or two; a choice lists its values."""
    if "$ref" in facts:
        return describe_type(definitions[facts["$ref"].rpartition("/")[2]], definitions)
    if "enum" in facts:
        return " | ".join(str(value) for value in facts["enum"])
    if "const" in facts:
        return str(facts["const"])
    options = facts.get("anyOf") or facts.get("oneOf")
    if options:
        return " | ".join(dict.fromkeys(describe_type(option, definitions) for option in options))
    if facts.get("type") == "array":
        items = describe_type(facts["items"], definitions) if facts.get("items") else ""
        return "list" + (f" of ({items})" if " | " in items else f" of {items}" if items else "")
    if facts.get("type") == "object":
        keys = facts.get("required", ())
        return f"{{{', '.join(f'{key}: …' for key in keys)}}}" if keys else "mapping"
    kind = facts.get("type")
    return kind if isinstance(kind, str) else json.dumps(kind)
