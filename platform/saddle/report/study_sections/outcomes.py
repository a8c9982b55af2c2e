"""Outcomes of the trials, the reasons for those that did not end well, and the table of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from saddle.analyse.best import trial_order, value_of
from saddle.analyse.evaluation.badge import reasons_against
from saddle.analyse.searches.importance import drawn
from saddle.analyse.text.formatting import DASH, Scale, duration, label, setting
from saddle.design.components import varied as varied_by
from saddle.report.blocks import Block, Code, Folded, Lines, Source, Table, Text
from saddle.report.section import Section
from saddle.report.study_report import StudyReport
from saddle.report.trial_name import trial_name
from saddle.study.selection import objectives_of
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

MEANINGS = {
    Outcome.COMPLETED: "trained to its end",
    Outcome.PRUNED: "stopped early, as unpromising",
    Outcome.COLLAPSED: "the method failed: a result",
    Outcome.DIVERGED: "the method failed: a result",
    Outcome.FAILED: "the code failed",
    Outcome.TIMED_OUT: "over its time",
    Outcome.PREEMPTED: "its machine was lost",
}
MOST_TROUBLES = 40
"""Trials whose reasons are printed in full; with more, the table of outcomes has the most common ones."""
MOST_TRIALS = 400
"""Trials in the table of all; with more, the best half and the worst half of as many."""

COLUMNS = ("outcome", "trials", "meaning")


@dataclass(frozen=True)
class Ending:
    """One way trials ended: how many, and the reasons given, each with its count."""

    outcome: str
    meaning: str
    count: int
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Trouble:
    """A trial that did not end well, with the full text of the reason."""

    name: str
    outcome: str
    summary: str
    text: str
    key: str = ""


def page(report: StudyReport) -> list[Block]:
    """The outcomes with their reasons, troubles one by one, and the trials."""
    records, name = report.records, report.run.name
    if not records:
        # a relation of tabled values never has any
        tabled = report.study.relation is not None and report.study.relation.gain.table is not None
        return [] if tabled else [Text(["No trial has finished yet."], "empty")]
    rows = tuple((ending.outcome, str(ending.count), _reasons(ending)) for ending in endings_of(report))
    troubled, trials = troubles(records, report.results.arm_names), trial_table(report)
    every = f"{len(trials.rows)} of {len(records)}" if trials.note else f"All {len(records)}"
    blocks: list[Block] = [Table(COLUMNS, rows, look="narrow")]
    for trouble in troubled[:MOST_TROUBLES]:
        summary = f"{trouble.name} {trouble.outcome}: {trouble.summary}"
        blocks.append(Folded(summary, [Source(trouble.text), *printed_by(report, trouble)], look="trouble"))
    if len(troubled) > MOST_TROUBLES:
        more = f"{len(troubled) - MOST_TROUBLES} more are not shown here; "
        blocks.append(Text([more, Code(f"saddle results {name} --csv"), " has their reasons."], "note"))
    blocks.append(Folded(f"{every} {report.trial_noun}s", [trials], id="trials"))
    on_paper = ["The table of trials is left out on paper; ", Code(f"saddle results {name}"), " lists them."]
    return [*blocks, Text(on_paper, "note on-paper")]


def printed_by(report: StudyReport, trouble: Trouble) -> list[Block]:
    """What a trial printed before it ended so, folded once more; none if it printed nothing."""
    text = report.printed.get(trouble.key, "")
    return [Folded("What it printed", [Source(text)], look="trouble")] if text else []


def _reasons(ending: Ending) -> str:
    times = [reason + (f" ({count} times)" if count > 1 else "") for reason, count in ending.reasons]
    return Lines(ending.meaning, times)


def markdown(report: StudyReport) -> list[Block]:
    """The outcomes with their reasons."""
    rows = tuple(
        (
            ending.outcome,
            str(ending.count),
            "; ".join([ending.meaning, *(f"{reason} ({count})" for reason, count in ending.reasons)]),
        )
        for ending in endings_of(report)
    )
    return [Table(COLUMNS, rows)] if rows else []


def endings_of(report: StudyReport) -> list[Ending]:
    """How the trials of a report ended; how imported ones did is not known."""
    ended = endings(report.records)
    if report.results.declared.imported is None:
        return ended
    return [replace(ending, meaning="imported; trained elsewhere") for ending in ended]


def endings(entries: Iterable[TrialRecord]) -> list[Ending]:
    """Outcomes of the trials, in the order of the outcome table; only what occurred."""
    entries = list(entries)
    order = [str(outcome) for outcome in Outcome]
    ended = []
    for outcome in sorted({entry.outcome for entry in entries}, key=lambda o: order.index(o) if o in order else 99):
        members = [entry for entry in entries if entry.outcome == outcome]
        reasons = Counter(summary(entry.why) for entry in members if entry.why.strip())
        meaning = MEANINGS.get(Outcome(outcome), "") if outcome in order else ""
        ended.append(Ending(str(outcome), meaning, len(members), tuple(reasons.most_common(5))))
    return ended


def summary(why: str) -> str:
    """The last line of a traceback, which names the error; a short reason unchanged."""
    lines = [line.strip() for line in why.strip().splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def troubles(entries: Iterable[TrialRecord], names: Mapping[str, str] = MappingProxyType({})) -> list[Trouble]:
    """Every trial that says why it ended, for reading one by one."""
    fine = (Outcome.COMPLETED, Outcome.PRUNED)
    troubled = sorted((e for e in entries if e.why.strip() and e.outcome not in fine), key=trial_order)
    return [Trouble(trial_name(e, names), str(e.outcome), summary(e.why), e.why.strip(), e.key) for e in troubled]


def trial_table(report: StudyReport) -> Table:
    """The trials with their outcome, the metric asked about, what was varied, and how long they took."""
    study, entries, declared = report.study, report.records, report.results.declared
    varied = list(study.search or {}) if study.ablation is None else varied_by(study.ablation)
    varied += study.relation.unit_settings if study.relation is not None else []
    metrics = objectives_of(study, declared) if study.objective else (report.answer.metric,)
    head = (report.trial_noun, "outcome", *(label(metric.name) for metric in metrics), *varied, "epochs", "time")
    shown = best_and_worst(entries, metrics[0])
    rows = []
    for entry in shown:
        values = drawn(study, entry) if study.search else {**entry.params, **entry.settings}
        rows.append(
            (
                trial_name(entry, report.results.arm_names).removeprefix("trial "),
                f"{entry.outcome}, flagged" if reasons_against(entry, declared) else str(entry.outcome),
                *(Scale.of(metric).value(value_of(entry, metric.name)) for metric in metrics),
                *(setting(values[name]) if name in values else DASH for name in varied),
                str(entry.epochs),
                duration(entry.seconds),
            )
        )
    table = Table(head, tuple(rows))
    if len(shown) == len(entries):
        return table
    half = MOST_TRIALS // 2
    note = (
        f"The best {half} and the worst {half} of {len(entries)} by {label(metrics[0].name)};"
        f" saddle results {report.run.name} --csv has all of them."
    )
    return replace(table, note=note)


def best_and_worst(entries: Sequence[TrialRecord], metric: Metric) -> Sequence[TrialRecord]:
    """All trials in their order, or of very many the best and the worst ones; those without a value are worst."""
    if len(entries) <= MOST_TRIALS:
        return entries

    def cost(entry: TrialRecord) -> tuple[bool, float]:
        value = value_of(entry, metric.name)
        return (value is None, 0.0 if value is None else metric.cost(value))

    ranked = sorted(entries, key=cost)
    return [*ranked[: MOST_TRIALS // 2], *ranked[-MOST_TRIALS // 2 :]]


OUTCOMES = Section("outcomes", "Outcomes of the trials", 140, page, markdown)
