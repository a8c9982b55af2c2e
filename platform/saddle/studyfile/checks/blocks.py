"""Blocks against the configuration: each is a hyperparameter that nothing else decides, at values it takes."""

from __future__ import annotations

from typing import Any

from saddle.design.blocks import MACHINE, Block, block_list
from saddle.errors import DesignError
from saddle.study.values import readable, repeats
from saddle.studyfile.checks.settings import mistakes_with
from saddle.studyfile.draft import Draft
from saddle.studyfile.problem import Path


def check_blocks(
    draft: Draft, source: Draft | None, baseline: dict[str, Any], settings: dict[str, Any]
) -> list[Block] | None:
    """The blocks, or None if one of them is refused; `source` is the search that the baseline is the best of."""
    blocks: dict[str, list[Any]] = draft.ablation.get("blocks", {})
    problem_count = len(draft.problems)
    for name, levels in blocks.items():
        path: Path = ("ablation", "blocks", name)
        if name == MACHINE:
            try:
                block_list({name: levels})
            except DesignError as error:
                draft.refuse(path, str(error))
        elif name in draft.loaded.Config.model_fields:
            _check_is_open(draft, path, name, source, baseline)
            _check_levels(draft, path, name, levels, {**settings, **baseline})
    return block_list(blocks) if len(draft.problems) == problem_count else None


def _check_is_open(draft: Draft, path: Path, name: str, source: Draft | None, baseline: dict[str, Any]) -> None:
    factors = draft.ablation.get("factors", {})
    touching = [factor for factor, of in draft.components.items() if name in {*of.on, *of.off}]
    if name in factors and name not in draft.components:
        draft.refuse(path, f"{name} is a factor, so its levels make arms", "keep one of them")
    elif touching:
        draft.refuse(path, f"the component {touching[0]} sets {name}", "keep one of them")
    elif name in baseline:
        draft.refuse(path, f"{name} is in baseline, too, and every arm has it at each level", "keep one of them")
    elif source is not None and name in source.mapping("search"):
        what = f"the search {source.name} has found a {name}, and every arm has it at each level"
        draft.refuse(path, what, "keep one of them")
    for section in ("fixed", "evaluate"):
        if name in draft.mapping(section):
            place = draft.document.place((section, name))
            line = f"line {place.line}" if place.line else place.file
            draft.refuse(path, f"{name} is in {section}, too ({line})", "keep one of them")


def _check_levels(draft: Draft, path: Path, name: str, levels: list[Any], settings: dict[str, Any]) -> None:
    for index, level in enumerate(levels):
        for mistake in mistakes_with(draft, {**settings, name: level}):
            if mistake.path[:1] == (name,):
                draft.refuse((*path, index, *mistake.path[1:]), mistake.what, mistake.right, mistake.nearest)
    for index in repeats(levels):
        draft.refuse((*path, index), f"{readable(levels[index])} is listed twice", "list every level once")
