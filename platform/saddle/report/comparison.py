"""Several studies side by side: in tables, in rows for machines, and as one self-contained HTML page."""

from __future__ import annotations

from typing import Any

import saddle.report.comparison_sections as comparison_sections
from saddle.analyse.arms.effect import Effect
from saddle.analyse.study_comparison import StudyComparison, StudyView, mean_sd
from saddle.report.blocks import Table
from saddle.report.page import render_page
from saddle.report.section import markdown_parts, page_parts, sections_of

OF_EFFECT = ("n", "low", "high", "p", "p_adjusted", "verdict", "added_later")
"""The facts of an effect that the row of its arm has."""


def tables_of(comparison: StudyComparison) -> list[tuple[str, Table]]:
    """The tables of the page, each with the title of its section."""
    parts = markdown_parts(sections_of(comparison_sections), comparison)
    return [(part.title, block) for part in parts for block in part.blocks if isinstance(block, Table)]


def facts(comparison: StudyComparison) -> dict[str, Any]:
    """The comparison as plain data for JSON."""
    return {
        "studies": [
            {
                "study": view.name,
                "metric": view.metric.name,
                "direction": view.metric.direction,
                "measured_with": view.measured_with,
                "earlier": [_earlier(earlier) for earlier in view.earlier],
                "baseline": view.baseline,
                "best": None if view.best is None else view.best.key,
                "outcomes": dict(view.outcomes),
                "seconds": view.seconds,
                "ended": view.ended,
                "arms": _arms(view),
            }
            for view in comparison.views
        ],
        "between": [_plain(effect) for effect in comparison.between],
        "differing": {name: list(values) for name, values in comparison.differing.items()},
        "notes": list(comparison.notes),
    }


def _earlier(view: StudyView) -> dict[str, Any]:
    """A study under an evaluation before the present one."""
    return {"measured_with": view.measured_with, "arms": _arms(view)}


def _arms(view: StudyView) -> list[dict[str, Any]]:
    return [
        {
            "arm": arm.arm,
            "values": {str(seed): value for seed, value in arm.values.items()},
            "effect": _plain(view.effects.get(arm.arm)),
        }
        for arm in view.arms
    ]


def arm_rows(comparison: StudyComparison) -> list[dict[str, Any]]:
    """One row for every arm in every study, without single seeds, for CSV."""
    rows = []
    for view in comparison.views:
        for arm in view.arms:
            effect, moments = _plain(view.effects.get(arm.arm)) or {}, mean_sd(arm)
            rows.append(
                {
                    "study": view.name, "arm": arm.arm, "metric": view.metric.name, "seeds": len(arm.values),
                    "mean": None if moments is None else moments[0],
                    **{name: effect.get(name) for name in OF_EFFECT},
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
        "added_later": effect.added_after is not None,
    }  # fmt: skip


def render_comparison(comparison: StudyComparison) -> str:
    """The page's HTML."""
    names = [view.name for view in comparison.views]
    parts = page_parts(sections_of(comparison_sections), comparison)
    return render_page("comparison.html", title=", ".join(names), names=names, parts=parts)
