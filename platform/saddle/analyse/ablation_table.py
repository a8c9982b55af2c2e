"""The table of an ablation's answer: a row for each arm, and one for each effect that belongs to no single arm."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.arms.paired_values import NOT_NEEDED, ArmValues, of_arm
from saddle.analyse.sentences import scale_of
from saddle.analyse.statistics.paired.corrections import NAMES
from saddle.analyse.text.formatting import DASH, Scale, p_value
from saddle.analyse.text.formatting import label as metric_label
from saddle.design import Arm
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric


def results_table(
    arms: Sequence[Arm],
    measured: Sequence[ArmValues],
    effects: Sequence[Effect],
    entries: Sequence[TrialRecord],
    spec: ComparisonSpec,
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Its columns and rows, ready to print."""
    metric = spec.metric
    spread = [float(np.std([*arm.values.values()], ddof=1)) for arm in measured if len(arm.values) > 1]
    scale, differences = Scale.of(metric, spread), scale_of(effects, metric)
    last = any(metric.name in entry.test_last for entry in entries)
    columns = ("arm", "seeds", metric_label(metric.name), *(["last epoch"] if last else []))
    columns += (
        f"difference{differences.difference_unit}",
        "interval",
        f"p ({NAMES[spec.correction]})",
        "p (sign flips)",
        "verdict",
    )
    by_arm = {effect.arm: effect for effect in effects if effect.kind == "arm"}
    rows = []
    for arm, values in zip(arms, measured, strict=True):
        effect = by_arm.get(values.arm)
        later = effect.later if effect is not None else ""
        cells = [values.arm + later, _seeds(values), _mean_sd([*values.values.values()], scale)]
        if last:
            cells.append(_mean_sd(_last_values(entries, arm, metric.name), scale))
        if arm.is_baseline or values.arm not in by_arm:
            rows.append((*cells, *[DASH] * 4, "baseline" if arm.is_baseline else DASH))
        else:
            rows.append((*cells, *_effect_cells(by_arm[values.arm], differences)))
    for effect in effects:
        if effect.kind != "arm":
            blank = [DASH] * (2 if last else 1)
            rows.append((f"{effect.kind}: {effect.name}", str(effect.n), *blank, *_effect_cells(effect, differences)))
    return columns, tuple(rows)


def blocks_table(
    in_blocks: Sequence[tuple[str, Effect]], metric: Metric
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Columns and rows of what happened in single blocks, without p and verdict; no rows without blocks."""
    differences = scale_of([effect for _, effect in in_blocks], metric)
    scale = Scale.of(metric)
    columns = (
        "arm",
        "block",
        "seeds",
        metric_label(metric.name),
        f"difference{differences.difference_unit}",
        "interval",
    )
    rows = []
    for block, effect in in_blocks:
        name = effect.name if effect.kind == "arm" else f"{effect.kind}: {effect.name}"
        mean = DASH if effect.kind == "interaction" or effect.arm_mean is None else scale.value(effect.arm_mean)
        difference, interval, *_ = _effect_cells(effect, differences)
        rows.append((name, block, str(effect.n), mean, difference, interval))
    return columns, tuple(rows)


def _effect_cells(effect: Effect, scale: Scale) -> tuple[str, ...]:
    return (
        DASH if effect.mean is None else scale.change(effect.mean),
        scale.interval(effect.low, effect.high),
        p_value(effect.p_adjusted),
        p_value(effect.p_permutation),
        effect.verdict_text,
    )


def _last_values(entries: Iterable[TrialRecord], arm: Arm, metric: str) -> list[float]:
    """A seed's mean over its blocks, for every seed."""
    by_seed: dict[int, list[float]] = {}
    for entry in of_arm(entries, arm):
        value = entry.test_last.get(metric)
        if entry.outcome == Outcome.COMPLETED and value is not None and math.isfinite(value):
            by_seed.setdefault(entry.seed, []).append(value)
    return [float(np.mean(values)) for values in by_seed.values()]


def _mean_sd(values: Sequence[float], scale: Scale) -> str:
    if not values:
        return DASH
    mean = scale.value(float(np.mean(values)))
    return mean if len(values) < 2 else f"{mean} ± {scale.bare(float(np.std(values, ddof=1)))}"


def _seeds(values: ArmValues) -> str:
    needless = sum(reason == NOT_NEEDED for reason in values.lost.values())
    completed, total = len(values.values), len(values.values) + len(values.lost) - needless
    if completed == total:
        return str(total)
    not_lost = (Outcome.COMPLETED, NOT_NEEDED)
    reasons = [f"{count} {reason}" for reason, count in sorted(values.counts.items()) if reason not in not_lost]
    return f"{completed} of {total} ({', '.join(reasons)})"
