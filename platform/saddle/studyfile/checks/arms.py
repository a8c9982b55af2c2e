"""Arms against the configuration and the design: each must be trainable, and different from every other."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from saddle.design.arm import Arm
from saddle.design.arms import check_factor, make_arms
from saddle.design.blocks import Block, block_name, settings_of
from saddle.design.exclusions import excluded_levels, known_levels
from saddle.errors import DesignError, ExclusionError
from saddle.study.ablation import Ablation
from saddle.study.values import canonical, readable, repeats
from saddle.studyfile.checks.search import typical_point
from saddle.studyfile.checks.settings import complete_settings, mistakes_with, refuse_at
from saddle.studyfile.draft import Draft
from saddle.studyfile.problem import Path

FACTORS: Path = ("ablation", "factors")
EXCLUDE: Path = ("ablation", "exclude")
ONCE = "list every level once"
MOST_TRIED = 256
"""Beyond these, the arms of a large factorial design are checked level by level only."""

Settings = Mapping[str, Any]


def check_arms(
    draft: Draft,
    source: Draft | None,
    baseline: dict[str, Any],
    settings: dict[str, Any],
    paths: dict[str, Path],
    blocks: Sequence[Block] | None,
) -> None:
    """Check levels, factors and exclusions one by one; where all are sound, the arms in every block."""
    fields = draft.loaded.Config.model_fields
    stated = {**settings, **baseline}
    factors = {
        name: levels
        for name, levels in draft.ablation.get("factors", {}).items()
        if name in draft.components or (name in fields and name not in draft.switches)
    }
    sound = _check_levels(draft, stated, factors)
    undecided = _undecided(draft, source, factors)
    designed = [_check_factor(draft, name, settings) for name in factors if name not in undecided]
    excluded = _check_exclusions(draft, factors, stated)
    # What a search elsewhere found best is not known here, so neither is what fits it.
    baseline_is_known = source is not None or "best_of" not in draft.ablation
    whole = factors.keys() == draft.ablation.get("factors", {}).keys()
    if factors and whole and sound and excluded and all(designed) and not undecided and baseline_is_known:
        best = typical_point(source.search) if source is not None else {}
        known = {**settings, **{name: value for name, value in best.items() if name in fields}}
        _check_together(draft, factors, known, paths, settings, blocks)


def _check_levels(draft: Draft, stated: Settings, factors: Mapping[str, list[Any]]) -> bool:
    problem_count = len(draft.problems)
    for name, levels in factors.items():
        for index, level in enumerate(levels):
            path = (*draft.factor_paths[name], index)
            for mistake in [] if name in draft.components else mistakes_with(draft, {**stated, name: level}):
                if mistake.path[:1] == (name,):
                    draft.refuse((*path, *mistake.path[1:]), mistake.what, mistake.right, mistake.nearest)
        for index in repeats(levels):
            draft.refuse((*draft.factor_paths[name], index), f"{readable(levels[index])} is listed twice", ONCE)
    return len(draft.problems) == problem_count


def _undecided(draft: Draft, source: Draft | None, factors: Mapping[str, list[Any]]) -> set[str]:
    """The factors whose level in the baseline is only known from the best trial of another study."""
    if "best_of" not in draft.ablation:
        return set()
    stated = set(draft.ablation.get("baseline", {}))

    def is_undecided(factor: str) -> bool:
        component = draft.components.get(factor)
        open_fields = ({*component.on, *component.off} if component else {factor}) - stated
        return bool(open_fields & set(source.mapping("search")) if source is not None else open_fields)

    return {factor for factor in factors if is_undecided(factor)}


def _check_factor(draft: Draft, name: str, settings: Settings) -> bool:
    """Whether the design can make arms of this factor; each factor alone, so that every mistake is reported."""
    levels = draft.ablation["factors"][name]
    if repeats(levels):
        return False
    if "design" in draft.mapping("ablation") and "design" not in draft.ablation:
        return False  # the design itself is refused
    try:
        check_factor(_ablation(draft, {name: levels}), draft.ablation.get("baseline", {}), settings)
    except DesignError as error:
        draft.refuse(draft.factor_paths[name], str(error))
        return False
    return True


def _check_exclusions(draft: Draft, factors: Mapping[str, list[Any]], stated: Settings) -> bool:
    problem_count = len(draft.problems)
    levels = known_levels(factors, {name: value for name, value in stated.items() if name in factors})
    for index, entry in enumerate(draft.ablation.get("exclude", [])):
        try:
            excluded_levels(entry, levels)
        except DesignError as error:
            draft.refuse((*EXCLUDE, index), str(error))
    return len(draft.problems) == problem_count


def _ablation(draft: Draft, factors: Mapping[str, list[Any]], **parts: Any) -> Ablation:
    """An ablation of some factors, with the design that the document wants."""
    parts |= {"design": draft.ablation["design"]} if "design" in draft.ablation else {}
    components = {name: component for name, component in draft.components.items() if name in factors}
    return Ablation(factors=dict(factors), components=components, **parts)


def _check_together(
    draft: Draft,
    factors: Mapping[str, list[Any]],
    known: Settings,
    paths: dict[str, Path],
    settings: Settings,
    blocks: Sequence[Block] | None,
) -> None:
    """Train none, but complete the configuration of every arm: values that are right alone may not fit together."""
    try:
        ablation = _ablation(draft, factors, exclude=draft.ablation.get("exclude", []))
        arms = make_arms(ablation, draft.ablation.get("baseline", {}), settings)
    except DesignError as error:
        draft.refuse(EXCLUDE if isinstance(error, ExclusionError) else FACTORS, str(error))
        return
    refused: set[str] = set()
    trainable = True
    for block, arm in itertools.islice(itertools.product(blocks or [{}], arms), MOST_TRIED):
        where = f" in {block_name(block)}" if block else ""
        for mistake in mistakes_with(draft, {**known, **arm.settings, **settings_of(block)}):
            trainable = False
            declared = {name for part in draft.components.values() for name in (*part.on, *part.off)}
            if mistake.what in refused or (mistake.path and mistake.path[0] not in declared):
                continue  # those with a path are reported already, but for what only a component sets
            refused.add(mistake.what)
            path = draft.factor_paths[arm.factor] if arm.factor is not None else FACTORS
            if arm.is_baseline and not block:
                refuse_at(draft, paths, mistake, ("ablation",))
            else:
                draft.refuse(path, f"arm {arm.name}{where}: {mistake.what}", mistake.right, mistake.nearest)
    if trainable:
        _refuse_twins(draft, arms[:MOST_TRIED], {**known, **settings_of((blocks or [{}])[0])})


def _refuse_twins(draft: Draft, arms: Sequence[Arm], known: Settings) -> None:
    """Arms with different settings may still train the same: a component's settings may be the defaults."""
    first: dict[str, Arm] = {}
    for arm in arms:
        trained = canonical(complete_settings(draft, {**known, **arm.settings}))
        twin = first.setdefault(trained, arm)
        if twin is not arm:
            path = draft.factor_paths[arm.factor] if arm.factor is not None else FACTORS
            what = f"arm {arm.name} trains the same as {twin.name}"
            draft.refuse(path, what, "give the level that it is compared with in baseline or fixed")
