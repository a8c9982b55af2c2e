"""The badge "best": which trials have it, and the reasons against a trial that would have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from saddle.analyse.evaluation.above_clean import more_accurate_attacked
from saddle.analyse.text.formatting import listed
from saddle.study.trainable.declarations import Declarations
from saddle.trial.record import TrialRecord

Flag = Callable[[TrialRecord, Declarations], Iterable[str]]
"""Reasons against a trial, each a clause that continues from its name: `fails gradients: 97 % of them are zero`."""

NAMED = 3
"""Trials that the sentence names; further ones are counted."""


@dataclass(frozen=True)
class Badge:
    """The keys of the trials that have the badge, and of those it is withheld from, with the reasons."""

    holders: tuple[str, ...] = ()
    withheld: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def failed_checks(entry: TrialRecord, declared: Declarations) -> Iterable[str]:
    """A reason for each item of the checklist that the trial fails."""
    for check in entry.checks:
        if check.verdict == "fail":
            yield f"fails {check.item}: {check.says.rstrip('.')}"


FLAGS: tuple[Flag, ...] = (failed_checks, more_accurate_attacked)
"""Every kind of reason against a trial."""


def reasons_against(entry: TrialRecord, declared: Declarations) -> tuple[str, ...]:
    """Why the trial can't have the badge; empty if nothing is known against it."""
    return tuple(reason for flag in FLAGS for reason in flag(entry, declared))


def judge(candidates: Iterable[TrialRecord], declared: Declarations) -> Badge:
    """Which of the candidates get the badge."""
    reasons = {entry.key: reasons_against(entry, declared) for entry in candidates}
    holders = tuple(key for key, against in reasons.items() if not against)
    return Badge(holders, {key: against for key, against in reasons.items() if against})


def withheld(badge: Badge, names: Mapping[str, str]) -> str:
    """The sentence that a report begins with where the badge is withheld, else nothing; `names`: key → name."""
    if not badge.withheld:
        return ""
    parts = [f"{names[key]}, which {listed(against)}" for key, against in [*badge.withheld.items()][:NAMED]]
    if len(badge.withheld) > NAMED:
        parts.append(f"{len(badge.withheld) - NAMED} more")
    return f"The badge “best” is withheld from {'; from '.join(parts)}."


def with_badge(
    sentence: str, candidates: Sequence[TrialRecord], names: Callable[[TrialRecord], str], declared: Declarations
) -> tuple[str, Badge]:
    """The answer's sentence, after the one about a withheld badge if there is one, and the badge."""
    badge = judge(candidates, declared)
    first = withheld(badge, {entry.key: names(entry) for entry in candidates})
    return f"{first} {sentence}".strip(), badge
