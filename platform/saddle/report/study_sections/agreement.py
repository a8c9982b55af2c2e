"""How far an ablation's blocks agree in how they rank its arms."""

from __future__ import annotations

from saddle.analyse.evaluation.agreement import agreements
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import DASH, Scale, p_value, setting, signed
from saddle.design.point import levels_name
from saddle.report.blocks import Block, Table
from saddle.report.section import Section, present
from saddle.report.study_report import StudyReport

NOTE = (
    "Over the arms that completed a seed in both, and the seeds that all of them completed. τ and ρ are 1 where both"
    " rank the arms the same way, 0 if one says nothing about the other; p is of Kendall’s τ, not adjusted. What would"
    " be lost by choosing there is measured here, at the block that comes first in the study."
)


def agreement_table(results: StudyResults) -> Table | None:
    """Each block's ranking against that of the first; None without blocks, or with fewer than three arms."""
    ablation = results.study.ablation
    if ablation is None or not ablation.blocks or not results.records:
        return None
    agreeing = agreements(ablation, results.arms, results.comparable, results.spec)
    if not agreeing:
        return None
    scale = Scale.of(results.metric)
    columns = ("ranked by", "compared with", "seeds", "Kendall’s τ", "p", "Spearman’s ρ", "best there", "its rank here",
               "lost by choosing it")  # fmt: skip
    rows = [
        (
            levels_name({agreement.factor: agreement.other}),
            setting(agreement.reference),
            str(agreement.seeds),
            DASH if agreement.ranks.kendall is None else signed(f"{agreement.ranks.kendall:.2f}"),
            p_value(agreement.ranks.p),
            DASH if agreement.ranks.spearman is None else signed(f"{agreement.ranks.spearman:.2f}"),
            agreement.chosen,
            f"{agreement.ranks.rank} of {agreement.arms}",
            scale.bare(agreement.ranks.loss) + scale.difference_suffix,
        )
        for agreement in agreeing
    ]
    return Table(columns, tuple(rows), NOTE)


def blocks(report: StudyReport) -> list[Block]:
    return present(agreement_table(report.results))


AGREEMENT = Section("agreement", "Do blocks rank the arms the same way?", 70, blocks)
