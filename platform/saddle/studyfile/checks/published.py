"""Published values against the study: they need arms, and shares have to be shares."""

from __future__ import annotations

from saddle.study.nearest import nearest
from saddle.study.trainable.declarations import UNDECLARED
from saddle.studyfile.draft import Draft
from saddle.studyfile.problem import Path


def check_published(draft: Draft) -> None:
    """Refuse values that can't be compared with any arm, and per cents if the trainable reports shares of 1."""
    table, path = draft.sections.get("published"), ("published",)
    if table is None:
        return
    if draft.is_relation:
        return  # they are points, which the file's reader has checked
    if not draft.is_ablation:
        draft.refuse(path, "published values are compared with arms, and this study has none", "move it to an ablation")
        return
    declared = draft.trainable or UNDECLARED
    for index, row in enumerate(table.values):
        if declared.metric(row.metric).is_fraction and abs(row.value) > 1:
            at: Path = (*path, "values", index, "value")
            what = f"{row.value:g} can't be {row.metric} of {row.arm}, which is a share of 1"
            draft.refuse(at, what, f"write {row.value / 100:.6g} in {table.file}")
    _check_arms(draft, {row.arm for row in table.values}, table.file)


def _check_arms(draft: Draft, named: set[str], file: str) -> None:
    """At least one arm must be known; a table may have more of them than the study."""
    factors = draft.ablation.get("factors", {})
    levels = {str(level) for listed in factors.values() for level in listed}
    words = {*levels, *factors, "baseline"}
    if named and not any(word in name for name in named for word in words):
        first = min(named)
        what = f"no arm of this study is named in {file}, which has {', '.join(sorted(named)[:6])}"
        draft.refuse(("published",), what, "name arms as the report does", nearest(first, words))
