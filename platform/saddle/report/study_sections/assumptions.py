"""The sources of hyperparameters' values: values without a published one are assumed, and results rest on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from saddle.analyse.text.formatting import setting
from saddle.report.blocks import Block, Fact, Facts, Folded, Table, Text
from saddle.report.section import Section
from saddle.report.study_report import StudyReport
from saddle.study.values import canonical
from saddle.trial.record import TrialRecord

SOURCES = ("assumed", "customary", "official code", "paper", "study file")
"""From the weakest basis to the strongest; `study file` is what the user chose."""
MOST_VALUES = 4


def page(report: StudyReport) -> list[Block]:
    """Every hyperparameter below its source, the assumed ones open."""
    if report.results.declared.imported is not None:  # nothing is known about their training
        return []
    groups = settings_by_source(report.records)
    if not groups:
        return []
    lead = (
        "Every hyperparameter, by the source of its value. Values that no paper, code or custom gives were assumed, and"
        " the result rests on them."
    )
    folded = [
        Folded(f"{source} ({len(members)})", [Facts(members)], look="source", open=source == "assumed")
        for source, members in groups
    ]
    return [Text([lead]), *folded]


def markdown(report: StudyReport) -> list[Block]:
    """The assumed ones with their values, and the names of the others."""
    blocks: list[Block] = []
    if report.results.declared.imported is not None:
        return blocks
    for source, members in settings_by_source(report.records):
        if source == "assumed":
            rows = tuple((member.name, *member.values) for member in members)
            blocks.append(Text(["No paper, code or custom gives these, and the result rests on them:"]))
            blocks.append(Table(("hyperparameter", "value"), rows))
        else:
            blocks.append(Text([f"From {source}: {', '.join(member.name for member in members)}."]))
    return blocks


def settings_by_source(entries: Sequence[TrialRecord]) -> list[tuple[str, list[Fact]]]:
    """The parameters of all trials by the source of their values, the weakest basis first."""
    sources: dict[str, str] = {}
    for entry in entries:
        sources.update(entry.sources)
    groups: dict[str, list[Fact]] = {source: [] for source in SOURCES}
    for name, source in sources.items():
        groups.setdefault(source, []).append(Fact(name, [values_of(entries, name)]))
    return [(source, sorted(members, key=attrgetter("name"))) for source, members in groups.items() if members]


def values_of(entries: Iterable[TrialRecord], name: str) -> str:
    """A parameter's distinct values, a range if there are many numbers."""
    assumed: dict[str, Any] = {}
    entries = list(entries)
    for entry in entries:
        if name in entry.params:
            assumed.setdefault(canonical(entry.params[name]), entry.params[name])
    again = {canonical(entry.evaluation[name]): entry.evaluation[name] for entry in entries if name in entry.evaluation}
    if again:
        trained = ", ".join(setting(value) for value in assumed.values())
        return f"{trained} in training; {', '.join(setting(value) for value in again.values())} in the test"
    values = list(assumed.values())
    if len(values) <= MOST_VALUES:
        return ", ".join(setting(value) for value in values)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return f"{setting(min(values))} to {setting(max(values))} ({len(values)} values)"
    return ", ".join(setting(value) for value in values[:MOST_VALUES]) + f" and {len(values) - MOST_VALUES} more"


ASSUMPTIONS = Section("assumptions", "What was assumed", 150, page, markdown)
