"""What the report tells beside its figures: how trials ended, what was assumed, and what the results rest on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saddle.analyse.best import trial_order
from saddle.analyse.text.formatting import setting
from saddle.design.blocks import replicate_name
from saddle.study.values import canonical
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord

MEANINGS = {
    Outcome.COMPLETED: "trained to its end",
    Outcome.PRUNED: "stopped early, as unpromising",
    Outcome.COLLAPSED: "the method failed: a result",
    Outcome.DIVERGED: "the method failed: a result",
    Outcome.FAILED: "the code failed",
    Outcome.TIMED_OUT: "over its time",
    Outcome.PREEMPTED: "its machine went away",
}
SOURCES = ("assumed", "customary", "official code", "paper", "study file")
"""From the weakest ground to the firmest; `study file` is what somebody chose."""
MOST_VALUES = 4


@dataclass(frozen=True)
class Ending:
    """One way trials ended: how many, and the reasons given, each with its count."""

    outcome: str
    meaning: str
    count: int
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Trouble:
    """A trial that did not end as hoped, with the full text of why."""

    name: str
    outcome: str
    summary: str
    text: str


@dataclass(frozen=True)
class Setting:
    """A parameter and its values over all trials."""

    name: str
    values: str


@dataclass(frozen=True)
class Fingerprint:
    """A fact that results rest on; `differs` where trials should agree on it and don't (seeds are meant to differ)."""

    name: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return self.name != "seed" and len(self.values) > 1


def name_of(entry: TrialRecord) -> str:
    """`trial 7` in a search, `mp, seed 2` in an ablation (and its block)."""
    if entry.arm is not None:
        return replicate_name(entry.arm, entry.seed, entry.block)
    return f"trial {entry.key if entry.number is None else entry.number}"


def endings(entries: Iterable[TrialRecord]) -> list[Ending]:
    """How the trials ended, in the order of the outcome table; only what occurred."""
    entries = list(entries)
    known = [str(outcome) for outcome in Outcome]
    found = []
    for outcome in sorted({entry.outcome for entry in entries}, key=lambda o: known.index(o) if o in known else 99):
        members = [entry for entry in entries if entry.outcome == outcome]
        reasons = Counter(summary(entry.why) for entry in members if entry.why.strip())
        meaning = MEANINGS.get(Outcome(outcome), "") if outcome in known else ""
        found.append(Ending(str(outcome), meaning, len(members), tuple(reasons.most_common(5))))
    return found


def summary(why: str) -> str:
    """The last line of a traceback, which names the error; a short reason as it is."""
    lines = [line.strip() for line in why.strip().splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def troubles(entries: Iterable[TrialRecord]) -> list[Trouble]:
    """Every trial that says why it ended, for reading one by one."""
    found = [
        entry for entry in entries if entry.why.strip() and entry.outcome not in (Outcome.COMPLETED, Outcome.PRUNED)
    ]
    return [Trouble(name_of(e), str(e.outcome), summary(e.why), e.why.strip()) for e in sorted(found, key=trial_order)]


def settings_by_source(entries: Sequence[TrialRecord]) -> list[tuple[str, list[Setting]]]:
    """The parameters of all trials under where their values come from, the weakest ground first."""
    sources: dict[str, str] = {}
    for entry in entries:
        sources.update(entry.sources)
    groups: dict[str, list[Setting]] = {source: [] for source in SOURCES}
    for name, source in sources.items():
        groups.setdefault(source, []).append(Setting(name, values_of(entries, name)))
    return [(source, sorted(members, key=lambda one: one.name)) for source, members in groups.items() if members]


def values_of(entries: Iterable[TrialRecord], name: str) -> str:
    """A parameter's distinct values, a range where there are many numbers."""
    found: dict[str, Any] = {}
    entries = list(entries)
    for entry in entries:
        if name in entry.params:
            found.setdefault(canonical(entry.params[name]), entry.params[name])
    again = {canonical(entry.evaluation[name]): entry.evaluation[name] for entry in entries if name in entry.evaluation}
    if again:
        trained = ", ".join(setting(value) for value in found.values())
        return f"{trained} in training; {', '.join(setting(value) for value in again.values())} in the test"
    values = list(found.values())
    if len(values) <= MOST_VALUES:
        return ", ".join(setting(value) for value in values)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return f"{setting(min(values))} to {setting(max(values))} ({len(values)} values)"
    return ", ".join(setting(value) for value in values[:MOST_VALUES]) + f" and {len(values) - MOST_VALUES} more"


def fingerprints(entries: Iterable[TrialRecord]) -> list[Fingerprint]:
    """What data, code and environment the results rest on; nested facts under dotted names."""
    found: dict[str, dict[str, None]] = {}
    for entry in entries:
        for name, value in _flat(entry.fingerprints):
            found.setdefault(name, {})[value] = None
    return [Fingerprint(name, tuple(values)) for name, values in found.items()]


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(setting(value))
