"""The JSON Schema of a study document, for editors and for programs that write study files."""

from __future__ import annotations

import itertools
from typing import Any

from saddle.design.registry import choice_model
from saddle.study.ablation import Ablation, Race
from saddle.study.field_types import STUDY_NAME, OneOf
from saddle.study.models import Constraint, Objective, Sampler, Study
from saddle.study.models import EarlyStopping as Stopping
from saddle.study.relations.relation import OF_A_FAMILY, Gain, Predictor, Relation, Table, Units
from saddle.study.space import Parameter
from saddle.studyfile.expansion import FOR, INHERIT
from saddle.studyfile.inheritance import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
CONSTRAINT = r"^\s*\S+\s*(>=|<=)\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"

OF_THE_FILE = {
    FOR: {
        "description": "A study for each value of a hyperparameter, recipe or scale, called NAME-VALUE; of several the"
        " product. In question, published and best_of `{KEY}` is the value. `sampler_seed` repeats a search.",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {
            "anyOf": [
                {"type": "array", "minItems": 1},
                {"type": "object", "minProperties": 1, "additionalProperties": {"type": ["string", "number", "null"]}},
            ]
        },
    },
    INHERIT: {"description": "Whether a later document takes over from the first.", "type": "boolean", "default": True},
}
"""What a document may say in addition to its study."""


def study_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of one document of a study file, short forms included.

    It says what a document may look like; whether its names and values suit the trainable is only known after loading
    it. Little is required, because later documents of a file inherit most from the first.
    """
    schema = Study.model_json_schema(by_alias=True)
    models = schema["$defs"]
    designs = choice_model()
    choice = designs.model_json_schema()
    models |= {**choice.pop("$defs"), designs.__name__: choice}
    for one_of in (Sampler, Stopping, designs, Race):
        models[one_of.__name__] = _with_bare_names(models[one_of.__name__], one_of)
    models[Race.__name__]["anyOf"].append({"type": "boolean"})
    models[Objective.__name__] = _exactly_one(models[Objective.__name__], ["maximize", "minimize"])
    models[Parameter.__name__] = _exactly_one(models[Parameter.__name__], ["float", "int", "choice"])
    models[Constraint.__name__] = _or_text(models[Constraint.__name__])
    baseline = models[Ablation.__name__]["properties"]["baseline"]
    baseline["properties"] = {"best_of": {"type": "string", "pattern": STUDY_NAME}}
    factors = models[Ablation.__name__]["properties"]["factors"]
    models[Ablation.__name__]["properties"]["factors"] = _or_names(factors)
    _add_short_forms(models)
    objective = schema["properties"]["objective"]
    objective["anyOf"].insert(0, {"$ref": f"#/$defs/{Objective.__name__}"})
    schema["properties"]["published"]["anyOf"].insert(0, {"type": "string", "minLength": 1})
    search = schema["properties"]["search"]["anyOf"][0]
    search["additionalProperties"] = _or_null(search["additionalProperties"])
    search["properties"] = {"asks": {"anyOf": [{"type": "string"}, search["additionalProperties"]]}}
    parts = models[Ablation.__name__]["properties"]
    for name in ("blocks", "components"):
        parts[name]["additionalProperties"] = _or_null(parts[name]["additionalProperties"])
    of_relation = models[Relation.__name__]["properties"]
    for properties in (schema["properties"], parts, of_relation):
        properties |= {name: _or_null(about) for name, about in properties.items() if name != "study"}
    schema["properties"] |= OF_THE_FILE
    schema["required"] = ["study"]
    schema["not"] = {  # null, which says that none is inherited, may occur next to the other
        "anyOf": [
            {"properties": {kind: {"type": "object"} for kind in kinds}, "required": list(kinds)}
            for kinds in itertools.combinations(KINDS, 2)
        ]
    }
    del models[Ablation.__name__]["required"], models[Relation.__name__]["required"]
    return {"$schema": DIALECT, **schema}


def _add_short_forms(models: dict[str, Any]) -> None:
    """What a relation may also write: the name of a predictor, columns of tables, and levels without a family."""
    table = {**models[Table.__name__], "required": ["csv", "column"]}
    named = models[Predictor.__name__]
    models[Predictor.__name__] = {
        "description": named["description"],
        "anyOf": [{"type": "string"}, table, {key: item for key, item in named.items() if key != "description"}],
    }
    gain = models[Gain.__name__]
    gain["properties"] |= {name: table["properties"][name] for name in ("csv", "column", "rows")}
    units = models[Units.__name__]
    of_family = [{"required": [name]} for name in OF_A_FAMILY]
    levels = {"type": "object", "minProperties": 1, "not": {"anyOf": of_family}}
    whole = {key: item for key, item in units.items() if key != "description"}
    models[Units.__name__] = {"description": units["description"], "anyOf": [whole, levels]}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with null allowed, which removes what a later document would inherit."""
    description = {"description": schema["description"]} if "description" in schema else {}
    return {**description, "anyOf": [schema, {"type": "null"}]}


def _with_bare_names(schema: dict[str, Any], one_of: type[OneOf]) -> dict[str, Any]:
    """`tpe` in addition to `{tpe: {seed: 1}}`."""
    names = {"enum": list(one_of.model_fields)}
    return {"description": schema["description"], "anyOf": [names, _exactly_one(schema, list(one_of.model_fields))]}


def _exactly_one(schema: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Exactly one of `names` must be there."""
    return {**schema, "oneOf": [{"required": [name]} for name in names]}


def _or_text(schema: dict[str, Any]) -> dict[str, Any]:
    """`METRIC >= NUMBER` in addition to its parts."""
    return {"description": schema["description"], "anyOf": [{"type": "string", "pattern": CONSTRAINT}, schema]}


def _or_names(schema: dict[str, Any]) -> dict[str, Any]:
    """`[mixing, random_start]` in addition to levels by name, which may be left out."""
    names = {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True}
    levels = {"anyOf": [{"type": "null"}, schema["additionalProperties"]]}
    mapping = {"type": "object", "additionalProperties": levels, "minProperties": 1}
    return {"description": schema["description"], "anyOf": [names, mapping]}
