"""The table of how alike an ablation's blocks rank its arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saddle.analyse.ablation import comparison_spec
from saddle.analyse.agreement import agreements
from saddle.analyse.answer import compared_metric
from saddle.analyse.answer_study import arms_of_study
from saddle.analyse.text.formatting import DASH, Scale, p_value, setting, signed
from saddle.design.point import name_of
from saddle.report.tables import Table
from saddle.study.declarations import Declarations
from saddle.study.models import Study
from saddle.trial.record import TrialRecord

NOTE = (
    "Over the seeds that all arms completed in both. τ and ρ are 1 where both rank the arms alike, 0 where one says"
    " nothing about the other; p is of Kendall’s τ, not adjusted. What would be lost by choosing there is measured"
    " here, at the block that comes first in the study."
)


def agreement_table(
    study: Study, entries: Sequence[TrialRecord], baseline: Mapping[str, Any] | None, declared: Declarations
) -> Table | None:
    """Each block's ranking against that of the first; None without blocks, or with fewer than three arms."""
    if study.ablation is None or not study.ablation.blocks or not entries:
        return None
    spec = comparison_spec(study, compared_metric(study, declared, entries))
    found = agreements(study.ablation, arms_of_study(study, baseline), entries, spec)
    if not found:
        return None
    scale = Scale.of(spec.metric)
    columns = ("ranked by", "compared with", "seeds", "Kendall’s τ", "p", "Spearman’s ρ", "best there", "its rank here",
               "lost by choosing it")  # fmt: skip
    rows = [
        (
            name_of({one.factor: one.other}),
            setting(one.reference),
            str(one.seeds),
            DASH if one.ranks.kendall is None else signed(f"{one.ranks.kendall:.2f}"),
            p_value(one.ranks.p),
            DASH if one.ranks.spearman is None else signed(f"{one.ranks.spearman:.2f}"),
            one.chosen,
            f"{one.ranks.rank} of {one.arms}",
            scale.bare(one.ranks.loss) + scale.difference_suffix,
        )
        for one in found
    ]
    return Table(columns, tuple(rows), NOTE)
