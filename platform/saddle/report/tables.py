"""The tables of a report beside that of the results, as text, for pages of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from saddle.analyse.badge import reasons_against
from saddle.analyse.best import value_of
from saddle.analyse.collapse import FailureRate
from saddle.analyse.effect import Effect
from saddle.analyse.importance import drawn
from saddle.analyse.result import Answer
from saddle.analyse.sentences import scale_of
from saddle.analyse.statistics.corrections import NAMES
from saddle.analyse.text.formatting import DASH, Scale, duration, label, p_value, setting
from saddle.design.components import varied as varied_by
from saddle.report import provenance as facts
from saddle.study.declarations import Declarations
from saddle.study.models import Study
from saddle.study.selection import objectives_of
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

MOST_TRIALS = 400
"""Trials in the table of all; of more the best half and the worst half of as many."""


@dataclass(frozen=True)
class Table:
    """Names of columns and rows of text, and what a reader should know of them."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def failure_table(failures: Sequence[FailureRate]) -> Table | None:
    """How often each arm failed as a method, tested seed by seed against the baseline; None where nothing failed."""
    if not failures:
        return None
    compared = len(failures) > 1
    columns = ("arm", "failed", "of", "rate", "exact 95 % interval")
    rows = [
        (
            rate.arm,
            str(rate.failed),
            str(rate.trained),
            percent(rate.rate),
            f"{percent(rate.low)} to {percent(rate.high)}",
            *((DASH, DASH) if index == 0 else (" / ".join(map(str, rate.discordant)), p_value(rate.p))),
        )
        for index, rate in enumerate(failures)
    ]
    note = (
        "Replicates that collapsed or diverged, of all that were trained. The interval is Clopper and Pearson’s."
        " “Only here / only baseline” counts the seeds with which one of the two failed and the other did not;"
        " p is McNemar’s exact test of these, not adjusted."
    )
    if not compared:
        return Table(columns, tuple(row[: len(columns)] for row in rows), note)
    return Table((*columns, "only here / only baseline", "p (McNemar)"), tuple(rows), note)


def percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share in (0.0, 1.0) or share >= 0.1 else f"{100 * share:.1f} %"


def detail_table(effects: Sequence[Effect]) -> Table | None:
    """Effect sizes and the tests that decide nothing; None without effects."""
    if not effects:
        return None
    scale = scale_of(effects, effects[0].metric)
    tested, raced = any(e.p_equivalence is not None for e in effects), any(e.settled_after is not None for e in effects)
    columns = ["comparison", "pairs", "difference", "sd of differences", "effect size d", "level of the interval", "p"]
    columns += [f"p ({NAMES[effects[0].correction]})", "p (sign flips)"]
    columns += ["p (equivalence)"] * tested + ["settled after"] * raced
    pooled = any(effect.mixed is not None for effect in effects)
    columns += ["mixed model", "its interval", "its p"] * pooled
    rows = []
    for effect in effects:
        row = [
            effect.name if effect.kind == "arm" else f"{effect.kind}: {effect.name}",
            str(effect.n),
            DASH if effect.mean is None else scale.change(effect.mean),
            DASH if effect.sd is None else scale.bare(effect.sd),
            DASH if effect.size is None else setting(round(effect.size, 2)),
            DASH if effect.level is None else f"{100 * effect.level:.4g} %",
            *(p_value(p) for p in (effect.p, effect.p_adjusted, effect.p_permutation)),
        ]
        row += [p_value(effect.p_equivalence)] * tested
        row += [DASH if effect.settled_after is None else str(effect.settled_after)] * raced
        if pooled:
            one = effect.mixed
            row += [DASH] * 3 if one is None else [
                scale.change(one.mean), scale.interval(one.low, one.high), p_value(one.p)
            ]  # fmt: skip
        rows.append(tuple(row))
    note = (
        "d is the mean difference in standard deviations of the differences (d_z), with Hedges’ correction for few"
        " pairs. The p without a name is the paired t test’s, not adjusted."
    )
    if tested:
        note += " Equivalence is tested by two one-sided t tests (TOST) against the study’s margin, not adjusted."
    if raced:
        note += " “Settled after” counts the pairs at which the race was over for an arm."
    if pooled:
        note += (
            " The mixed model pools the noise of all replicates, with seeds (and blocks) as random effects: narrower,"
            " where its assumptions hold; not adjusted."
        )
    return Table(tuple(columns), tuple(rows), note)


def trial_table(
    study: Study, entries: Sequence[TrialRecord], answer: Answer, declared: Declarations, name: str
) -> Table:
    """The trials with their outcome, the metric asked about, what was varied, and how long they took.

    `name` is what the run is called.
    """
    varied = list(study.search or {}) if study.ablation is None else varied_by(study.ablation)
    metrics = objectives_of(study, declared) if study.objective else (answer.metric,)
    first = "trial" if study.ablation is None else "replicate"
    head = (first, "outcome", *(label(metric.name) for metric in metrics), *varied, "epochs", "time")
    shown = best_and_worst(entries, metrics[0])
    rows = []
    for entry in shown:
        given = drawn(study, entry) if study.search else {**entry.params, **entry.settings}
        rows.append(
            (
                facts.name_of(entry).removeprefix("trial "),
                f"{entry.outcome}, flagged" if reasons_against(entry, declared) else str(entry.outcome),
                *(Scale.of(metric).value(value_of(entry, metric.name)) for metric in metrics),
                *(setting(given[name]) if name in given else DASH for name in varied),
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
        f" saddle results {name} --csv has all of them."
    )
    return replace(table, note=note)


def best_and_worst(entries: Sequence[TrialRecord], metric: Metric) -> Sequence[TrialRecord]:
    """All trials as they come, or of very many the best ones and the worst ones; those without a value are worst."""
    if len(entries) <= MOST_TRIALS:
        return entries

    def cost(entry: TrialRecord) -> tuple[bool, float]:
        value = value_of(entry, metric.name)
        return (value is None, 0.0 if value is None else metric.cost(value))

    ranked = sorted(entries, key=cost)
    return [*ranked[: MOST_TRIALS // 2], *ranked[-MOST_TRIALS // 2 :]]
