"""Arms against the configuration and the design: each must be trainable, and different from every other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from saddle.design.arm import Arm, DesignError
from saddle.design.arms import make_arms
from saddle.design.values import readable, same
from saddle.study.checks.search import typical_point
from saddle.study.checks.settings import known_settings, mistakes_with, refuse_at
from saddle.study.models import Ablation
from saddle.study.problems import Path
from saddle.study.sections import Draft

BEST_OF: Path = ("ablation", "baseline", "best_of")
MOST_ARMS_TRIED = 256
"""Beyond these, a large factorial design is checked level by level only."""


def check_ablation(draft: Draft, drafts: Sequence[Draft]) -> None:
    """Check seeds, baseline, levels and design of an ablation."""
    if not isinstance(draft.raw.get("ablation"), dict):
        return
    _check_seeds(draft)
    source = _check_best_of(draft, drafts)
    settings, paths = known_settings(draft)
    best = typical_point(source.search) if source is not None else {}
    baseline = _known(draft, draft.ablation.get("baseline", {}))
    paths = {**paths, **{name: ("ablation", "baseline", name) for name in baseline}}
    for mistake in mistakes_with(draft, {**settings, **baseline}):
        if mistake.path[:1] and mistake.path[0] in baseline:
            refuse_at(draft, paths, mistake)
    factors = _known(draft, draft.ablation.get("factors", {}))
    sound = _check_levels(draft, {**settings, **baseline}, factors)
    open_factors = _open(draft, source, factors, settings)
    designed = [_check_design(draft, name, settings) for name in factors if name not in open_factors]
    # What a search elsewhere found best is not known here, so neither is what fits it.
    baseline_is_known = source is not None or "best_of" not in draft.ablation
    if factors and sound and all(designed) and not open_factors and baseline_is_known:
        _check_arms(draft, factors, {**settings, **_known(draft, best)}, paths, settings)


def _known(draft: Draft, settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name in draft.trainable.Config.model_fields}


def _check_seeds(draft: Draft) -> None:
    given = draft.ablation.get("seeds")
    seeds: list[int] = given if isinstance(given, list) else []
    for index, seed in enumerate(seeds):
        if seed in seeds[:index]:
            what = f"seed {seed} is given twice; it would count one measurement as two"
            draft.refuse(("ablation", "seeds", index), what, "give every seed once")


def _check_best_of(draft: Draft, drafts: Sequence[Draft]) -> Draft | None:
    """The search whose best trial is the baseline, where it is in this file; one elsewhere is found when running."""
    name = draft.ablation.get("best_of")
    source = next((other for other in drafts if name is not None and other.sections.get("study") == name), None)
    if source is None:
        return None
    path: Path = BEST_OF if BEST_OF in draft.document.places else ("ablation", "best_of")
    if source is draft:
        draft.refuse(path, f"{name} is this very study", "name a search")
    elif not source.is_search:
        draft.refuse(path, f"{name} is no search, so it has no best trial", "name a search")
    elif drafts.index(source) > drafts.index(draft):
        draft.refuse(path, f"{name} comes later in this file, so it has no best trial yet", f"move {name} up")
    elif len(source.objectives) > 1:
        what = f"{name} has {len(source.objectives)} objectives, so no trial of it is the best"
        draft.refuse(path, what, "write the settings of the trial you choose into baseline")
    elif source.sections.get("trainable") != draft.sections.get("trainable"):
        what = f"{name} trains {source.sections.get('trainable')}, whose settings mean nothing here"
        draft.refuse(path, what, "name a search with the same trainable")
    else:
        return source
    return None


def _check_levels(draft: Draft, given: dict[str, Any], factors: dict[str, list[Any]]) -> bool:
    sound = True
    for name, levels in factors.items():
        for index, level in enumerate(levels):
            for mistake in mistakes_with(draft, {**given, name: level}):
                if mistake.path[:1] == (name,):
                    sound = False
                    path = ("ablation", "factors", name, index, *mistake.path[1:])
                    draft.refuse(path, mistake.what, mistake.right, mistake.nearest)
            if any(same(level, earlier) for earlier in levels[:index]):
                sound = False
                what = f"{readable(level)} is listed twice"
                draft.refuse(("ablation", "factors", name, index), what, "list every level once")
    return sound


def _open(draft: Draft, source: Draft | None, factors: dict[str, list[Any]], settings: dict[str, Any]) -> set[str]:
    """The factors whose baseline level only the best trial of another study will tell."""
    if "best_of" not in draft.ablation:
        return set()
    stated = set(draft.ablation.get("baseline", {}))
    if source is None:
        return set(factors) - stated
    return {name for name in factors if name not in stated and name in source.mapping("search")}


def _check_design(draft: Draft, name: str, settings: dict[str, Any]) -> bool:
    """Whether the design can make arms of this factor; each factor alone, so that every mistake is told."""
    levels = draft.ablation["factors"][name]
    if any(same(level, earlier) for index, level in enumerate(levels) for earlier in levels[:index]):
        return False
    try:
        _make_arms(draft, {name: levels}, settings)
    except DesignError as error:
        draft.refuse(("ablation", "factors", name), str(error))
        return False
    return True


def _make_arms(draft: Draft, factors: dict[str, list[Any]], settings: dict[str, Any]) -> list[Arm]:
    if "design" in draft.mapping("ablation") and "design" not in draft.ablation:
        return []  # the design itself is refused
    design = draft.ablation.get("design", "one_factor")
    return make_arms(Ablation(design=design, factors=factors), draft.ablation.get("baseline", {}), settings)


def _check_arms(
    draft: Draft,
    factors: dict[str, list[Any]],
    given: dict[str, Any],
    paths: dict[str, Path],
    settings: dict[str, Any],
) -> None:
    """Train none, but complete the configuration of every arm: values that are right alone may not fit together."""
    section: Path = ("ablation", "factors")
    try:
        arms = _make_arms(draft, factors, settings)
    except DesignError as error:
        draft.refuse(section, str(error))
        return
    told: set[str] = set()
    for arm in arms[:MOST_ARMS_TRIED]:
        for mistake in mistakes_with(draft, {**given, **arm.settings}):
            if mistake.path or mistake.what in told:  # those with a path are told already
                continue
            told.add(mistake.what)
            path = (*section, arm.factor) if arm.factor is not None else section
            if arm.is_baseline:
                refuse_at(draft, paths, mistake, ("ablation",))
            else:
                draft.refuse(path, f"arm {arm.name}: {mistake.what}", mistake.right, mistake.nearest)
