"""The course of a race: which arm was settled when, and what that saved."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from saddle.analyse.ablation import judge_arms, without_needless
from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.paired_values import MISSING, NOT_NEEDED, ArmValues
from saddle.analyse.arms.racing import RaceState
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import plural
from saddle.report.drawing.arm_order import arms_in_order
from saddle.report.drawing.axes import name_rows, narrow_row
from saddle.report.drawing.canvas import MUTED, LazyFigure, draw, is_narrow
from saddle.report.figures.effects import COLOURS, MOST_ROWS
from saddle.report.study_figure import StudyFigure


def course(measured: Sequence[ArmValues], standing: RaceState) -> LazyFigure:
    """A bar per arm: seeds that were trained, those that ended after it was settled, and those that this saved."""
    effects = {effect.arm: effect for effect in standing.effects}
    shown = list(measured)[: MOST_ROWS + 1]
    names, words = [arm.arm for arm in shown], [_words(arm, effects.get(arm.arm)) for arm in shown]
    saved = sum(arm.counts[NOT_NEEDED] for arm in measured)
    total = sum(len(arm.values) + len(arm.lost) for arm in measured)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        thick = 0.3 if is_narrow(figure) else 0.55  # on a phone the name is above the bar
        for row, arm in enumerate(shown):
            effect = effects.get(arm.arm)
            colour = MUTED if effect is None else COLOURS.get(effect.verdict, MUTED)
            trained = len(arm.values) + sum(reason not in (MISSING, NOT_NEEDED) for reason in arm.lost.values())
            saved_here = arm.counts[NOT_NEEDED]
            counted = min(trained, standing.settled.get(arm.arm, trained))
            axes.barh(row, counted, height=thick, color=colour, alpha=0.85)
            axes.barh(row, trained - counted, left=counted, height=thick, color=colour, alpha=0.3)
            axes.barh(row, saved_here, left=trained, height=thick, fc="none", ec=MUTED, ls=":", lw=1)
        name_rows(axes, names, narrow=is_narrow(figure), remarks=words)
        axes.set_xlim(0, max(len(arm.values) + len(arm.lost) for arm in shown))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("seeds")
        handles = [
            Patch(fc=MUTED, alpha=0.85, label="counted"),
            Patch(fc=MUTED, alpha=0.3, label="ended after it was settled"),
            Patch(fc="none", ec=MUTED, ls=":", label="saved"),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=1 if is_narrow(figure) else 3, fontsize=9)

    caption = (
        f"An arm that is settled gets no more seeds: of {total} over all arms {saved} were not needed."
        " Colours are those of the verdicts; the baseline continues as long as any arm does."
    )
    return draw(
        "race", "The race", caption, (8.6, 1.3 + 0.36 * len(shown)), paint, 1.7 + narrow_row(names, words) * len(shown)
    )


def _words(arm: ArmValues, effect: Effect | None) -> str:
    if effect is None:
        return "baseline"
    if effect.settled_after is not None:
        return f"{effect.verdict} after {plural(effect.settled_after, 'pair')}"
    return f"{effect.verdict}, {plural(effect.n, 'pair')}"


def _race(results: StudyResults) -> LazyFigure | None:
    study = results.study
    assert study.ablation is not None
    if study.ablation.spending is None or not results.records:
        return None
    state = judge_arms(study, results.arms, results.measured(results.metric.name), results.spec)
    seeds = study.ablation.seed_list
    return course([without_needless(arm, state, seeds) for arm in arms_in_order(results)], state)


RACE = StudyFigure("race", 20, _race, of=("ablation",))
