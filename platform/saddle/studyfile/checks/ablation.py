"""An ablation's parts against each other and the configuration: seeds, baseline, factors, blocks, race."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.design.registry import designs
from saddle.study.ablation import Ablation
from saddle.study.seeds import FEWEST_RACED, MOST_RACED, SEARCH_SEED, SeedLooks
from saddle.study.values import repeats
from saddle.studyfile.checks.arms import check_arms
from saddle.studyfile.checks.blocks import check_blocks
from saddle.studyfile.checks.settings import known_settings, mistakes_with, refuse_at
from saddle.studyfile.draft import Draft
from saddle.studyfile.problem import Path

BEST_OF: Path = ("ablation", "baseline", "best_of")

RACE: tuple[str, Path, str] = ("a race", ("ablation", "race"), "race: none")
DECLARED: tuple[str, Path, str] = ("a comparison with looks", ("ablation", "seeds"), "a plain number of seeds")
"""What looks before the last seed, where the file says so, and what would do without."""


def check_ablation(draft: Draft, drafts: Sequence[Draft]) -> None:
    """Check seeds, baseline, factors, design, blocks and race of an ablation."""
    if not isinstance(draft.raw.get("ablation"), dict):
        return
    _check_seeds(draft)
    _check_race(draft)
    source = _check_best_of(draft, drafts)
    settings, paths = known_settings(draft)
    fields = draft.loaded.Config.model_fields
    baseline = {name: value for name, value in draft.ablation.get("baseline", {}).items() if name in fields}
    paths = {**paths, **{name: ("ablation", "baseline", name) for name in baseline}}
    for mistake in mistakes_with(draft, {**settings, **baseline}):
        if mistake.path[:1] and mistake.path[0] in baseline:
            refuse_at(draft, paths, mistake)
    check_arms(draft, source, baseline, settings, paths, check_blocks(draft, source, baseline, settings))


def _check_seeds(draft: Draft) -> None:
    value = draft.ablation.get("seeds")
    seeds: list[int] = value if isinstance(value, list) else []
    for index in repeats(seeds):
        what = f"seed {seeds[index]} is given twice; it would count one measurement as two"
        draft.refuse(("ablation", "seeds", index), what, "give every seed once")
    if "best_of" in draft.ablation and SEARCH_SEED in seeds:
        what = f"every trial of a search is trained with seed {SEARCH_SEED}, so that its best one would count again"
        right = f"leave out {SEARCH_SEED}, or write how many: seeds: {len(seeds)}"
        draft.refuse(("ablation", "seeds", seeds.index(SEARCH_SEED)), what, right)
    if isinstance(value, SeedLooks) and value.at_most <= value.start:
        what = f"{value.at_most} is not above start, which is {value.start}"
        draft.refuse(("ablation", "seeds", "at_most"), what, f"give more, or a plain number, seeds: {value.start}")


def _check_race(draft: Draft) -> None:
    """Interim looks need arms against the baseline, Holm's correction, and some seeds, not too many."""
    race, seeds = draft.ablation.get("race"), draft.ablation.get("seeds", Ablation.model_fields["seeds"].default)
    raced = race is not None and race.spending is not None
    if not raced and not isinstance(seeds, SeedLooks):
        return
    what_looks, path, instead = RACE if raced else DECLARED
    design, compare = draft.ablation.get("design"), draft.ablation.get("compare")
    if design is not None and designs()[design.name].crossed:
        across = f"a {design.name} design has effects across all arms"
        what = f"{what_looks} is run by arms against the baseline, and {across}"
        others = [name for name, other in designs().items() if not other.crossed]
        draft.refuse(path, what, f"use design: {' or '.join(others)}, or {instead}")
    if compare is not None and compare.correction != "holm":
        what = f"{what_looks} can't be corrected by {compare.correction}, which gives no guarantee for interim looks"
        draft.refuse(path, what, f"use correction: holm, or {instead}")
    count = _count(seeds)
    if not FEWEST_RACED <= count <= MOST_RACED:
        what = f"{what_looks} takes {FEWEST_RACED} to {MOST_RACED} seeds, and this one has {count}"
        draft.refuse(path, what, f"give {FEWEST_RACED} to {MOST_RACED} seeds, or {instead}")


def _count(seeds: int | list[int] | SeedLooks) -> int:
    if isinstance(seeds, SeedLooks):
        return seeds.at_most
    return len(seeds) if isinstance(seeds, list) else seeds


def _check_best_of(draft: Draft, drafts: Sequence[Draft]) -> Draft | None:
    """The search whose best trial is the baseline, if it is in this file; one elsewhere is looked up at the run."""
    name = draft.ablation.get("best_of")
    source = next((other for other in drafts if name is not None and other.sections.get("study") == name), None)
    if source is None:
        return None
    path: Path = BEST_OF if BEST_OF in draft.document.places else ("ablation", "best_of")
    if source is draft:
        draft.refuse(path, f"{name} is this very study", "name a search")
    elif not source.is_search:
        draft.refuse(path, f"{name} is not a search, so it has no best trial", "name a search")
    elif drafts.index(source) > drafts.index(draft):
        draft.refuse(path, f"{name} comes later in this file, so it has no best trial yet", f"move {name} up")
    elif len(source.objectives) > 1:
        what = f"{name} has {len(source.objectives)} objectives, so no trial of it is the best"
        draft.refuse(path, what, "write the settings of the trial you choose into baseline")
    elif source.sections.get("trainable") != draft.sections.get("trainable"):
        what = f"{name} trains {source.sections.get('trainable')}, whose settings don't exist here"
        draft.refuse(path, what, "name a search with the same trainable")
    else:
        return source
    return None
