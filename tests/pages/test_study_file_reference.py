"""The reference of study files says what their schema says."""

from __future__ import annotations

import re

from saddle.studyfile.schema import study_schema
from tests.support.study_file_reference import PAGE, reference


def test_the_page_is_made_from_the_schema() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run python -m tests.support.study_file_reference"


def test_every_key_has_a_row_and_a_description_and_every_link_a_section() -> None:
    text, schema = reference(), study_schema()
    for part in (schema, *schema["$defs"].values()):
        for key in part.get("properties", {}):
            assert f"| `{key}` |" in text
    sections = {title.lower() for title in re.findall(r"^## (\w+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\(#(\w+)\)", text)) <= sections
