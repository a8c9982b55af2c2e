"""`saddle schema`: the JSON Schema of a study file, for editors, and that of what commands print as JSON."""

from __future__ import annotations

from typing import Annotated

import typer

from saddle.cli.options import AsJson


def schema(
    answers: Annotated[
        bool, typer.Option("--answers", help="Print the schema of each command's --json output instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the JSON Schema of a study document, for completion and checks in an editor.

    With --answers, that of the JSON of every command: `$defs` has one for each, by the command's name.

    Example: saddle schema > study.schema.json
    """
    import json

    if answers:
        from saddle.cli.answers.schema import answers_schema

        content = answers_schema()
    else:
        from saddle.studyfile.schema import study_schema

        content = study_schema()
    print(json.dumps(content, indent=2, ensure_ascii=False))
