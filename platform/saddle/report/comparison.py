"""Several studies side by side: as tables for the terminal, and as one self-contained HTML page."""

from __future__ import annotations

import time
from typing import Any

from saddle.analyse.effect import Effect
from saddle.analyse.sentences import scale_of
from saddle.analyse.statistics.corrections import NAMES
from saddle.analyse.study_comparison import Across, Side, mean_sd
from saddle.analyse.text.formatting import DASH, Scale, duration, label, p_value
from saddle.analyse.verdict import Verdict
from saddle.report.figures import across as figures
from saddle.report.page import render_page
from saddle.report.tables import Table

MOST_DIFFERENCES = 60


def tables_of(across: Across) -> list[tuple[str, Table]]:
    """What is compared, every arm in every study, arms between studies, and in what the studies differ, with titles."""
    found = [("Studies", studies_table(across)), ("Arms", arms_table(across))]
    if across.between:
        found.append(("The same arm between studies", between_table(across)))
    if across.differing:
        found.append(("What differs", differing_table(across)))
    return found


def studies_table(across: Across) -> Table:
    """One row a study."""
    rows = []
    for side in across.sides:
        ended = time.strftime("%Y-%m-%d %H:%M", time.localtime(side.ended)) if side.ended else DASH
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(side.outcomes.items()))
        kind = "search" if side.study.ablation is None else "ablation"
        rows.append((side.name, kind, label(side.metric), outcomes or DASH, duration(side.seconds), ended))
    columns = ("study", "kind", "metric", "trials", "training", "last trial ended")
    return Table(columns, tuple(rows))


def arms_table(across: Across) -> Table:
    """One row for every arm in every study that has it: value, effect against that study's own baseline, verdict."""
    rows = []
    for name in across.arms:
        for side in across.sides:
            for arm in side.arms:
                if arm.arm == name:
                    rows.append((name, side.name, *_value(side, name), *_effect(side, name)))
    columns = ("arm", "study", "seeds", "mean ± sd", "difference", "interval", "p (adjusted)", "verdict")
    note = "Differences are against each study's own baseline, with the correction that its file names."
    return Table(columns, tuple(rows), note)


def _scale(side: Side) -> Scale:
    spread = [found[1] for arm in side.arms if (found := mean_sd(arm)) is not None]
    return Scale.of(side.metric, spread)


def _value(side: Side, name: str) -> tuple[str, str]:
    arm = next(arm for arm in side.arms if arm.arm == name)
    found, scale = mean_sd(arm), _scale(side)
    if found is None:
        return "0", DASH
    mean, sd = found
    return str(len(arm.values)), scale.value(mean) + (f" ± {scale.bare(sd)}" if sd == sd else "")


def _effect(side: Side, name: str) -> tuple[str, str, str, str]:
    effect = side.effects.get(name)
    if effect is None:
        return DASH, DASH, DASH, "baseline" if name == side.baseline else DASH
    return _cells(effect, scale_of(list(side.effects.values()), side.metric))


def _cells(effect: Effect, scale: Scale) -> tuple[str, str, str, str]:
    return (
        DASH if effect.mean is None else scale.change(effect.mean),
        scale.interval(effect.low, effect.high),
        p_value(effect.p_adjusted),
        effect.verdict_text,
    )


def between_table(across: Across) -> Table:
    """The same arm in another study against the first one, paired by seed."""
    first = across.sides[0]
    scale = scale_of(list(across.between), first.metric)
    words = {Verdict.HELPS: "better", Verdict.HURTS: "worse"}
    rows = []
    for effect in across.between:
        arm, _, studies = effect.name.rpartition(": ")
        *numbers, verdict = _cells(effect, scale)
        rows.append((arm, studies, str(effect.n), *numbers, words.get(effect.verdict, verdict)))
    columns = ("arm", "studies", "seeds", "difference", "interval", f"p ({NAMES['holm']})", "verdict")
    note = (
        f"Differences in {label(first.metric)}, paired by seed, Holm-adjusted over this table. They are effects of"
        " whatever differs between the studies, which nobody randomised."
    )
    return Table(columns, tuple(rows), note)


def differing_table(across: Across) -> Table:
    """Parameters and fingerprints that are not the same in all studies."""
    names = list(across.differing)
    rows = [(name, *(value or DASH for value in across.differing[name])) for name in names[:MOST_DIFFERENCES]]
    left = len(names) - MOST_DIFFERENCES
    note = "“…” where a study's own trials differ." + (f" {left} more are not shown." if left > 0 else "")
    return Table(("", *(side.name for side in across.sides)), tuple(rows), note)


def facts(across: Across) -> dict[str, Any]:
    """The comparison as JSON has it."""
    return {
        "studies": [
            {
                "study": side.name,
                "metric": side.metric,
                "direction": side.direction,
                "baseline": side.baseline,
                "best": None if side.best is None else side.best.key,
                "outcomes": dict(side.outcomes),
                "seconds": side.seconds,
                "ended": side.ended,
                "arms": [
                    {
                        "arm": arm.arm,
                        "values": {str(seed): value for seed, value in arm.values.items()},
                        "effect": _plain(side.effects.get(arm.arm)),
                    }
                    for arm in side.arms
                ],
            }
            for side in across.sides
        ],
        "between": [_plain(effect) for effect in across.between],
        "differing": {name: list(values) for name, values in across.differing.items()},
        "notes": list(across.notes),
    }


def arm_rows(across: Across) -> list[dict[str, Any]]:
    """One row for every arm in every study, without single seeds, as CSV has it."""
    rows = []
    for side in across.sides:
        for arm in side.arms:
            effect, found = _plain(side.effects.get(arm.arm)) or {}, mean_sd(arm)
            rows.append(
                {
                    "study": side.name, "arm": arm.arm, "metric": side.metric, "seeds": len(arm.values),
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


def render_comparison(across: Across) -> str:
    """The page's HTML."""
    names = [side.name for side in across.sides]
    return render_page(
        "comparison.html",
        title=", ".join(names),
        names=names,
        questions=[(side.name, side.study.question) for side in across.sides if side.study.question],
        tables=tables_of(across),
        plates=[figures.values(across.sides, across.arms), figures.effects(across.sides, across.arms)],
        notes=across.notes,
    )
