"""Settings that a search chose suit the arm that it trained; the others of an ablation around its best are untuned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saddle.analyse.text.formatting import listed, settings
from saddle.design import Arm, labels
from saddle.study.models import Constraint, Study
from saddle.study.seeds import SEARCH_SEED
from saddle.study.values import same


@dataclass(frozen=True)
class TunedBy:
    """The search that an ablation's baseline is the best of: its name, its parameters, and settings of all its trials.

    `constraints`: the conditions that its good trials meet.
    """

    search: str
    parameters: Sequence[str]
    settings: Mapping[str, Any]
    constraints: Sequence[Constraint] = ()
    doubt: str = ""
    """Why the search calls none of its trials the best, in words; empty if it does."""
    found_since: str = ""
    """Its best trial and what that has, where the ablation was run with the settings of an earlier best one."""


def tuning_cautions(study: Study, arms: Sequence[Arm], tuned: TunedBy | None) -> Iterator[str]:
    """For which arm the settings were tuned, where a search chose them, and whether its winning run counts again."""
    ablation = study.ablation
    if ablation is None or ablation.best_of is None:
        return
    if SEARCH_SEED in ablation.seed_list:
        yield (
            f"Seed {SEARCH_SEED} is that of every trial of {ablation.best_of}: the run that won there counts here "
            "once more, and makes the result too optimistic. An ablation that is restarted uses later seeds."
        )
    if tuned is None:
        yield (
            f"The settings are those of the best trial of {ablation.best_of}, so they were tuned for what that search "
            "trained."
        )
        return
    yield from grown_past(tuned)
    if tuned.doubt:
        equals = (
            f"The baseline has the settings of one of several equally good trials, as {tuned.search} has no best trial."
        )
        yield f"{equals} {tuned.doubt}"
    yield f"{listed(tuned.parameters)} {_were(tuned)} tuned by {tuned.search} {_for_whom(study, arms, tuned)}."


def grown_past(tuned: TunedBy) -> Iterator[str]:
    """That the ablation keeps the settings that it was run with, where the search has found better ones since."""
    if tuned.found_since:
        yield (
            f"The baseline has the settings that were the best of {tuned.search} when this ablation began, and every"
            f" arm keeps them; the best of {tuned.search} is now {tuned.found_since}. --fresh starts a new run"
            " around that one, and keeps this one."
        )


def _were(tuned: TunedBy) -> str:
    return "was" if len(tuned.parameters) == 1 else "were"


def _for_whom(study: Study, arms: Sequence[Arm], tuned: TunedBy) -> str:
    """`for mp (perturbation = mp), so a comparison favours it; sta and mta have them untuned`."""
    names = _differing(arms)
    of_arms = dict(zip(labels(arms), arms, strict=True))
    suited = [name for name, arm in of_arms.items() if _is_tuned(study, arm, arms[0], names, tuned)]
    with_settings = settings((name, tuned.settings[name]) for name in names if name in tuned.settings)
    if not suited:
        note = f" (it trained with {with_settings})" if with_settings else ""
        return (
            f"for what that search trained, which is not one of these arms{note}; all of them have these settings "
            "untuned"
        )
    others = [name for name in of_arms if name not in suited]
    note = f" ({with_settings})" if with_settings else ""
    has = "has" if len(others) == 1 else "have"
    return f"for {listed(suited)}{note}, so a comparison favours it; {listed(others)} {has} them untuned"


def _differing(arms: Sequence[Arm]) -> list[str]:
    """The settings in which the arms are not all equal."""
    names = dict.fromkeys(name for arm in arms for name in arm.settings)
    return [name for name in names if any(not _equal(name, arm, arms[0]) for arm in arms)]


def _equal(name: str, arm: Arm, other: Arm) -> bool:
    return (name in arm.settings) == (name in other.settings) and same(arm.settings.get(name), other.settings.get(name))


def _is_tuned(study: Study, arm: Arm, base: Arm, names: Sequence[str], tuned: TunedBy) -> bool:
    """Whether the arm is what the search trained: equal in what it fixed, and with the values that it found."""
    assert study.ablation is not None
    own = {**study.settings, **arm.settings}
    chosen = [name for name in tuned.parameters if name not in study.ablation.baseline]
    winner = {**tuned.settings, **{name: base.settings[name] for name in chosen if name in base.settings}}
    stated = [*names, *(name for name in study.ablation.baseline if name not in names)]
    return all(name in own and name in winner and same(own[name], winner[name]) for name in stated)
