"""Every arm in every study that has it."""

from __future__ import annotations

from saddle.analyse.sentences import scale_of
from saddle.analyse.study_comparison import StudyComparison, StudyView, mean_sd
from saddle.analyse.text.formatting import DASH, Scale
from saddle.report.blocks import Table
from saddle.report.effect_cells import effect_cells
from saddle.report.section import Section


def arms_table(comparison: StudyComparison) -> Table:
    """One row for every arm in every study that has it: value, effect against that study's own baseline, verdict."""
    rows = []
    for name in comparison.arms:
        for view in comparison.views:
            for arm in view.arms:
                if arm.arm == name:
                    rows.append((name, view.name, *_value(view, name), *_effect(view, name)))
    columns = ("arm", "study", "seeds", "mean ± sd", "difference", "interval", "p (adjusted)", "verdict")
    note = "Differences are against each study's own baseline, with the correction that its file names."
    return Table(columns, tuple(rows), note)


def _scale(view: StudyView) -> Scale:
    spread = [found[1] for arm in view.arms if (found := mean_sd(arm)) is not None]
    return Scale.of(view.metric, spread)


def _value(view: StudyView, name: str) -> tuple[str, str]:
    arm = next(arm for arm in view.arms if arm.arm == name)
    found, scale = mean_sd(arm), _scale(view)
    if found is None:
        return "0", DASH
    mean, sd = found
    return str(len(arm.values)), scale.value(mean) + (f" ± {scale.bare(sd)}" if sd == sd else "")


def _effect(view: StudyView, name: str) -> tuple[str, str, str, str]:
    effect = view.effects.get(name)
    if effect is None:
        return DASH, DASH, DASH, "baseline" if name == view.baseline else DASH
    return effect_cells(effect, scale_of(list(view.effects.values()), view.metric))


def blocks(comparison: StudyComparison) -> list[Table]:
    return [arms_table(comparison)]


ARMS = Section("arms", "Arms", 50, blocks)
