"""Effect sizes, and the tests that decide nothing."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.analyse.arms.effect import Effect
from saddle.analyse.sentences import scale_of
from saddle.analyse.statistics.paired.corrections import NAMES
from saddle.analyse.statistics.paired.effect_size import size_interval
from saddle.analyse.text.formatting import DASH, p_value, signed
from saddle.report.blocks import Block, Folded, Table
from saddle.report.section import Section, present
from saddle.report.study_report import StudyReport

TITLE = "Effect sizes and further tests"


def _size(effect: Effect) -> str:
    """d with its interval: with few pairs the number alone would say more than is known."""
    if effect.size is None or effect.mean is None or not effect.sd:
        return DASH
    low, high = size_interval(effect.mean, effect.sd, effect.n)
    return f"{signed(f'{effect.size:.2f}')} ({signed(f'{low:.2f} to {high:.2f}')})"


def detail_table(effects: Sequence[Effect]) -> Table | None:
    """Effect sizes and the tests that decide nothing; None without effects."""
    if not effects:
        return None
    scale = scale_of(effects, effects[0].metric)
    tested, raced = any(e.p_equivalence is not None for e in effects), any(e.settled_after is not None for e in effects)
    columns = ["comparison", "pairs", "difference", "sd of differences", "effect size d (95 % interval)"]
    columns += ["level of the interval", "p"]
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
            DASH if effect.sd is None else scale.amount(effect.sd),
            _size(effect),
            DASH if effect.level is None else f"{100 * effect.level:.4g} %",
            *(p_value(p) for p in (effect.p, effect.p_adjusted, effect.p_permutation)),
        ]
        row += [p_value(effect.p_equivalence)] * tested
        row += [DASH if effect.settled_after is None else str(effect.settled_after)] * raced
        if pooled:
            mixed = effect.mixed
            row += [DASH] * 3 if mixed is None else [
                scale.change(mixed.mean), scale.interval(mixed.low, mixed.high), p_value(mixed.p)
            ]  # fmt: skip
        rows.append(tuple(row))
    note = (
        "d is the mean difference in standard deviations of the differences (d_z), with Hedges’ correction for few"
        " pairs, and the 95 % interval that the noncentral t distribution gives it."
        " The p without a name is the paired t test’s, not adjusted."
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


def page(report: StudyReport) -> list[Block]:
    return [Folded(TITLE, markdown(report), id="details")] if report.answer.effects else []


def markdown(report: StudyReport) -> list[Block]:
    return present(detail_table(report.answer.effects))


DETAILS = Section("details", TITLE, 110, page, markdown, within="results")
