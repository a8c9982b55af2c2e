"""The tables of a comparison, which `saddle compare` prints, too."""

from __future__ import annotations

import time
from collections.abc import Callable

from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.sentences import scale_of
from saddle.analyse.statistics.paired.corrections import NAMES
from saddle.analyse.study_comparison import StudyComparison, StudyView, is_identical, mean_sd
from saddle.analyse.text.formatting import DASH, Scale, duration, label, p_value
from saddle.report.blocks import Table
from saddle.report.section import Section, present

MakeTable = Callable[[StudyComparison], Table | None]

MOST_DIFFERENCES = 60


def studies_table(comparison: StudyComparison) -> Table:
    """One row per study."""
    rows = []
    for view in comparison.views:
        ended = time.strftime("%Y-%m-%d %H:%M", time.localtime(view.ended)) if view.ended else DASH
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(view.outcomes.items()))
        rows.append(
            (view.name, view.study.kind, label(view.metric.name), outcomes or DASH, duration(view.seconds), ended)
        )
    columns = ("study", "kind", "metric", "trials", "training", "last trial ended")
    return Table(columns, tuple(rows))


def arms_table(comparison: StudyComparison) -> Table:
    """One row for every arm in every study that has it: value, effect against that study's own baseline, verdict."""
    rows = []
    for name in comparison.arms:
        for view in comparison.views:
            for arm in view.arms:
                if arm.arm == name:
                    effect = view.effects.get(name)
                    later = effect.later if effect is not None else ""
                    rows.append((name + later, view.name, *_value(view, name), *_effect(view, name)))
    columns = ("arm", "study", "seeds", "mean ± sd", "difference", "interval", "p (adjusted)", "verdict")
    note = "Differences are against each study's own baseline, with the correction that its file names."
    return Table(columns, tuple(rows), note)


def evaluations_table(comparison: StudyComparison) -> Table | None:
    """The arms of the studies that were measured again, under each evaluation; None if none was."""
    again = [view for view in comparison.views if view.earlier]
    rows = [(row[0], view.name, *row[1:]) for view in again for row in evaluation_rows(view)]
    return Table(("arm", "study", *EVALUATION_COLUMNS), tuple(rows), EVALUATION_NOTE) if rows else None


EVALUATION_COLUMNS = ("measured with", "seeds", "mean ± sd", "difference", "interval", "p (adjusted)", "verdict")
EVALUATION_NOTE = (
    "The same networks, measured with each of these settings; the last row of an arm counts everywhere else. Verdicts"
    " under an earlier evaluation are what the study would have said with it."
)


def evaluation_rows(view: StudyView) -> list[tuple[str, ...]]:
    """Each arm of a study under each of its evaluations, the present one last."""
    views = [*view.earlier, view]
    return [
        (arm.arm, evaluated.measured_with, *_value(evaluated, arm.arm), *_effect(evaluated, arm.arm))
        for arm in view.arms
        for evaluated in views
        if any(other.arm == arm.arm for other in evaluated.arms)
    ]


def _scale(view: StudyView) -> Scale:
    spread = [moments[1] for arm in view.arms if (moments := mean_sd(arm)) is not None]
    return Scale.of(view.metric, spread)


def _value(view: StudyView, name: str) -> tuple[str, str]:
    arm = next(arm for arm in view.arms if arm.arm == name)
    moments, scale = mean_sd(arm), _scale(view)
    if moments is None:
        return "0", DASH
    mean, sd = moments
    return str(len(arm.values)), scale.value(mean) + (f" ± {scale.bare(sd)}" if sd == sd else "")


def _effect(view: StudyView, name: str) -> tuple[str, str, str, str]:
    effect = view.effects.get(name)
    if effect is None:
        return DASH, DASH, DASH, "baseline" if name == view.baseline else DASH
    return _cells(effect, scale_of(list(view.effects.values()), view.metric))


def _cells(effect: Effect, scale: Scale) -> tuple[str, str, str, str]:
    return (
        DASH if effect.mean is None else scale.change(effect.mean),
        scale.interval(effect.low, effect.high),
        p_value(effect.p_adjusted),
        effect.verdict_text,
    )


def between_table(comparison: StudyComparison) -> Table | None:
    """The same arm in another study against the first one, paired by seed; None if there is none."""
    first = comparison.views[0]
    scale = scale_of(list(comparison.between), first.metric)
    words = {Verdict.HELPS: "better", Verdict.HURTS: "worse"}
    rows = []
    for effect in comparison.between:
        arm, _, studies = effect.name.rpartition(": ")
        *numbers, verdict = _cells(effect, scale)
        word = "identical" if is_identical(effect) else words.get(effect.verdict, verdict)
        rows.append((arm, studies, str(effect.n), *numbers, word))
    columns = ("arm", "studies", "seeds", "difference", "interval", f"p ({NAMES['holm']})", "verdict")
    note = (
        f"Differences in {label(first.metric.name)}, paired by seed, Holm-adjusted over this table. They are effects of"
        " everything that differs between the studies, which was not randomised."
    )
    return Table(columns, tuple(rows), note) if rows else None


def differing_table(comparison: StudyComparison) -> Table | None:
    """Parameters and fingerprints that are not the same in all studies; None if all are."""
    names = list(comparison.differing)
    rows = [(name, *(value or DASH for value in comparison.differing[name])) for name in names[:MOST_DIFFERENCES]]
    hidden = len(names) - MOST_DIFFERENCES
    note = "“…” where a study's own trials differ." + (f" {hidden} more are not shown." if hidden > 0 else "")
    return Table(("", *(view.name for view in comparison.views)), tuple(rows), note) if rows else None


def section(name: str, title: str, place: int, table: MakeTable) -> Section[StudyComparison]:
    """A section of a single table."""
    return Section(name, title, place, lambda comparison: present(table(comparison)))


STUDIES = section("studies", "Studies", 40, studies_table)
ARMS = section("arms", "Arms", 50, arms_table)
BETWEEN = section("between", "The same arm between studies", 60, between_table)
EVALUATIONS = section("evaluations", "Under each evaluation", 65, evaluations_table)
DIFFERING = section("differing", "What differs", 70, differing_table)
