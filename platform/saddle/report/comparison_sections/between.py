"""The same arm in one study and in another."""

from __future__ import annotations

from saddle.analyse.sentences import scale_of
from saddle.analyse.statistics.corrections import NAMES
from saddle.analyse.study_comparison import StudyComparison
from saddle.analyse.text.formatting import label
from saddle.analyse.verdict import Verdict
from saddle.report.blocks import Table
from saddle.report.effect_cells import effect_cells
from saddle.report.section import Section


def between_table(comparison: StudyComparison) -> Table:
    """The same arm in another study against the first one, paired by seed."""
    first = comparison.views[0]
    scale = scale_of(list(comparison.between), first.metric)
    words = {Verdict.HELPS: "better", Verdict.HURTS: "worse"}
    rows = []
    for effect in comparison.between:
        arm, _, studies = effect.name.rpartition(": ")
        *numbers, verdict = effect_cells(effect, scale)
        rows.append((arm, studies, str(effect.n), *numbers, words.get(effect.verdict, verdict)))
    columns = ("arm", "studies", "seeds", "difference", "interval", f"p ({NAMES['holm']})", "verdict")
    note = (
        f"Differences in {label(first.metric.name)}, paired by seed, Holm-adjusted over this table. They are effects of"
        " whatever differs between the studies, which nobody randomised."
    )
    return Table(columns, tuple(rows), note)


def blocks(comparison: StudyComparison) -> list[Table]:
    return [between_table(comparison)] if comparison.between else []


BETWEEN = Section("between", "The same arm between studies", 60, blocks)
