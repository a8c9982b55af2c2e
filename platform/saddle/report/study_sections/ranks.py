"""The arms by their mean ranks in groups of metrics, what that follows, and which arm it recommends."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev

from saddle.analyse.arms.ranks.mean_ranks import RankedGroup
from saddle.analyse.arms.ranks.ranked_arms import RankedArms
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import DASH, Scale, label, p_value
from saddle.analyse.text.ranked_arms import balance_sentence, response_sentence, verdict_sentence
from saddle.report.blocks import Block, Folded, Heading, Listing, Table, Text
from saddle.report.section import Section
from saddle.report.study_report import StudyReport

NOTE = (
    "All trials are ranked by every metric of a group, after each seed’s mean is subtracted; an arm’s value is the mean"
    " of its percentile ranks, 0 % being best. Differences are from the baseline, paired by seed and adjusted over the"
    " arms of a group; below 0 is better. No single metric decides: where they disagree, the folded tables show it."
)


def blocks(report: StudyReport) -> list[Block]:
    """A table of each group, with sentences; none if the study declares no ranks."""
    if not report.results.answer.ranked:
        return []
    shown: list[Block] = [Text([NOTE], "note")]
    for ranked in report.results.answer.ranked:
        shown += [Heading(ranked.group.name), _table(ranked), Listing(_sentences(report.results, ranked))]
        shown.append(Folded(f"Ranks by each metric of {ranked.group.name}", [_single(report.results, ranked.group)]))
    return shown


def _table(ranked: RankedArms) -> Table:
    group = ranked.group
    effects = {effect.arm: effect for effect in group.effects}
    paid = {} if ranked.balance is None else {arm.arm: arm for arm in ranked.balance.arms}
    rows = []
    for arm in group.arms:
        values = list(arm.values.values())
        scale = Scale.of(group.metric)
        spread = f" ± {scale.bare(stdev(values))}" if len(values) > 1 else ""
        cells = [arm.arm, f"{scale.bare(fmean(values))}{spread}" if values else DASH]
        effect = effects.get(arm.arm)
        if effect is None:
            cells += ["baseline", DASH, DASH]
        else:
            interval = scale.interval(effect.low, effect.high)
            cells += [
                effect.verdict_text,
                f"{scale.change(effect.mean or 0.0)} ({interval})",
                p_value(effect.p_adjusted),
            ]
        if ranked.balance is not None:
            balanced = paid.get(arm.arm)
            cells += [DASH, DASH] if balanced is None else [
                Scale.of(ranked.balance.paid).value(balanced.paid), "yes" if balanced.on_front else "no"
            ]  # fmt: skip
        rows.append(tuple(cells))
    columns: tuple[str, ...] = (
        "arm",
        "mean percentile rank (%)",
        "verdict",
        "difference, points (interval)",
        "p, adjusted",
    )
    if ranked.balance is not None:
        columns += (label(ranked.balance.paid.name), "on the front")
    return Table(columns, tuple(rows))


def _sentences(results: StudyResults, ranked: RankedArms) -> list[str]:
    sentences = [verdict_sentence(ranked.group)]
    if ranked.balance is not None:
        sentences.append(balance_sentence(ranked.balance))
    if ranked.response is not None:
        sentences.append(response_sentence(ranked.group, results.metric, ranked.response))
    if ranked.partial is not None and ranked.balance is not None:
        sentences.append(response_sentence(ranked.group, results.metric, ranked.partial, str(ranked.balance.paid)))
    return sentences


def _single(results: StudyResults, group: RankedGroup) -> Table:
    """The arms' means in every metric of a group: where metrics disagree, it shows here."""
    names = [arm.arm for arm in group.arms]
    rows = []
    for metric in group.metrics:
        means = [_mean(list(arm.values.values())) for arm in results.measured(metric.name)]
        scale = Scale.of(metric, [abs(mean) / 100 for mean in means if mean])
        better = "larger" if metric.direction == "maximize" else "smaller"
        rows.append(
            (label(metric.name) + scale.unit, better, *(DASH if mean is None else scale.bare(mean) for mean in means))
        )
    return Table(("metric", "better", *names), tuple(rows))


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


RANKS = Section("ranks", "Ranks over metrics", 25, blocks)
