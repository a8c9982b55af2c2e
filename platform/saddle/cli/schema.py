"""`saddle schema`: the JSON Schema of a study file, for editors."""

from __future__ import annotations


def schema() -> None:
    """Print the JSON Schema of a study document, for completion and checks in an editor.

    Example: saddle schema > study.schema.json
    """
    import json

    from saddle.studyfile.schema import study_schema

    print(json.dumps(study_schema(), indent=2, ensure_ascii=False))
