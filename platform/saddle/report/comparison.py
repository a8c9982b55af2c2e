"""Several studies side by side: as tables for the terminal, and as one self-contained HTML page."""

from __future__ import annotations

import time
from typing import Any

from saddle.analyse.effect import Effect
from saddle.analyse.sentences import scale_of
from saddle.analyse.statistics.corrections import NAMES
from saddle.analyse.study_comparison import StudyComparison, StudyView, mean_sd
from saddle.analyse.text.formatting import DASH, Scale, duration, label, p_value
from saddle.analyse.verdict import Verdict
from saddle.report.figures import study_comparison as figures
from saddle.report.page import render_page
from saddle.report.tables import Table

MOST_DIFFERENCES = 60


def tables_of(comparison: StudyComparison) -> list[tuple[str, Table]]:
    """What is compared, every arm in every study, arms between studies, and in what the studies differ, with titles."""
    found = [("Studies", studies_table(comparison)), ("Arms", arms_table(comparison))]
    if comparison.between:
        found.append(("The same arm between studies", between_table(comparison)))
    if comparison.differing:
        found.append(("What differs", differing_table(comparison)))
    return found


def studies_table(comparison: StudyComparison) -> Table:
    """One row a study."""
    rows = []
    for view in comparison.views:
        ended = time.strftime("%Y-%m-%d %H:%M", time.localtime(view.ended)) if view.ended else DASH
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(view.outcomes.items()))
        kind = "search" if view.study.ablation is None else "ablation"
        rows.append((view.name, kind, label(view.metric.name), outcomes or DASH, duration(view.seconds), ended))
    columns = ("study", "kind", "metric", "trials", "training", "last trial ended")
    return Table(columns, tuple(rows))


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
    return _cells(effect, scale_of(list(view.effects.values()), view.metric))


def _cells(effect: Effect, scale: Scale) -> tuple[str, str, str, str]:
    return (
        DASH if effect.mean is None else scale.change(effect.mean),
        scale.interval(effect.low, effect.high),
        p_value(effect.p_adjusted),
        effect.verdict_text,
    )


def between_table(comparison: StudyComparison) -> Table:
    """The same arm in another study against the first one, paired by seed."""
    first = comparison.views[0]
    scale = scale_of(list(comparison.between), first.metric)
    words = {Verdict.HELPS: "better", Verdict.HURTS: "worse"}
    rows = []
    for effect in comparison.between:
        arm, _, studies = effect.name.rpartition(": ")
        *numbers, verdict = _cells(effect, scale)
        rows.append((arm, studies, str(effect.n), *numbers, words.get(effect.verdict, verdict)))
    columns = ("arm", "studies", "seeds", "difference", "interval", f"p ({NAMES['holm']})", "verdict")
    note = (
        f"Differences in {label(first.metric.name)}, paired by seed, Holm-adjusted over this table. They are effects of"
        " whatever differs between the studies, which nobody randomised."
    )
    return Table(columns, tuple(rows), note)


def differing_table(comparison: StudyComparison) -> Table:
    """Parameters and fingerprints that are not the same in all studies."""
    names = list(comparison.differing)
    rows = [(name, *(value or DASH for value in comparison.differing[name])) for name in names[:MOST_DIFFERENCES]]
    left = len(names) - MOST_DIFFERENCES
    note = "“…” where a study's own trials differ." + (f" {left} more are not shown." if left > 0 else "")
    return Table(("", *(view.name for view in comparison.views)), tuple(rows), note)


def facts(comparison: StudyComparison) -> dict[str, Any]:
    """The comparison as JSON has it."""
    return {
        "studies": [
            {
                "study": view.name,
                "metric": view.metric.name,
                "direction": view.metric.direction,
                "baseline": view.baseline,
                "best": None if view.best is None else view.best.key,
                "outcomes": dict(view.outcomes),
                "seconds": view.seconds,
                "ended": view.ended,
                "arms": [
                    {
                        "arm": arm.arm,
                        "values": {str(seed): value for seed, value in arm.values.items()},
                        "effect": _plain(view.effects.get(arm.arm)),
                    }
                    for arm in view.arms
                ],
            }
            for view in comparison.views
        ],
        "between": [_plain(effect) for effect in comparison.between],
        "differing": {name: list(values) for name, values in comparison.differing.items()},
        "notes": list(comparison.notes),
    }


def arm_rows(comparison: StudyComparison) -> list[dict[str, Any]]:
    """One row for every arm in every study, without single seeds, as CSV has it."""
    rows = []
    for view in comparison.views:
        for arm in view.arms:
            effect, found = _plain(view.effects.get(arm.arm)) or {}, mean_sd(arm)
            rows.append(
                {
                    "study": view.name, "arm": arm.arm, "metric": view.metric.name, "seeds": len(arm.values),
                    "mean": None if found is None else found[0],
                    **{name: effect.get(name) for name in ("n", "low", "high", "p", "p_adjusted", "verdict")},
                    "difference": effect.get("mean"),
                }
            )  # fmt: skip
    return rows


def _plain(effect: Effect | None) -> dict[str, Any] | None:
    if effect is None:
        return None
    return {
        "name": effect.name, "n": effect.n, "mean": effect.mean, "low": effect.low, "high": effect.high,
        "p": effect.p, "p_adjusted": effect.p_adjusted, "verdict": str(effect.verdict),
    }  # fmt: skip


def render_comparison(comparison: StudyComparison) -> str:
    """The page's HTML."""
    names = [view.name for view in comparison.views]
    return render_page(
        "comparison.html",
        title=", ".join(names),
        names=names,
        questions=[(view.name, view.study.question) for view in comparison.views if view.study.question],
        tables=tables_of(comparison),
        plates=[figures.values(comparison.views, comparison.arms), figures.effects(comparison.views, comparison.arms)],
        notes=comparison.notes,
    )
