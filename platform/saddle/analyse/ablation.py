"""The answer of an ablation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from saddle.analyse.achievable import limits
from saddle.analyse.effects import Effect, paired_effects
from saddle.analyse.factorial import factorial_effects
from saddle.analyse.pairs import MISSING, NO_VALUE, Measured, measure, of_arm
from saddle.analyse.result import Answer, compared_metric, direction_of
from saddle.analyse.sentences import paragraph, scale_of
from saddle.analyse.wording import DASH, Scale, is_fraction, p_value, plural
from saddle.analyse.wording import label as metric_label
from saddle.design import Arm, DesignError, labels, make_arms
from saddle.search.outcomes import METHOD_FAILURES, Outcome
from saddle.store.entry import Entry
from saddle.study.models import Ablation, Study
from trainables.contract import Direction


def answer_ablation(
    study: Study,
    entries: Sequence[Entry],
    directions: Mapping[str, Direction],
    *,
    arms: Sequence[Arm] | None = None,
    selection: str | None = None,
    chance: float | None = None,
) -> Answer:
    """Which arms differ from the baseline, by how much, and how sure that is.

    `arms` are those that were run; without them they are found again from the study and the entries. `chance` is the
    accuracy of guessing: where neither arm reaches twice that, a comparison of robust accuracies is not informative.
    """
    ablation = _ablation(study)
    arms = list(arms) if arms else arms_of(study, entries)
    metric = compared_metric(study, directions, entries, selection)
    direction = direction_of(metric, directions)
    compare = ablation.compare
    measured = [
        measure(entries, arm, metric, ablation.seed_list, label) for arm, label in zip(arms, labels(arms), strict=True)
    ]
    if ablation.design == "factorial":
        effects = factorial_effects(
            ablation.factors, arms, measured, metric, direction, alpha=compare.alpha, equivalence=compare.equivalence
        )
    else:
        effects = paired_effects(
            measured[1:], measured[0], metric, direction, alpha=compare.alpha, equivalence=compare.equivalence
        )
    uninformative = _uninformative(effects, metric, chance)
    sentence = paragraph(effects, metric, compare.alpha, compare.equivalence)
    if not entries:
        sentence = f"No replicate of {len(arms) * len(ablation.seed_list)} has finished yet."
    if uninformative:
        sentence = f"Not informative: {uninformative} {sentence}"
    columns, rows = _table(arms, measured, effects, entries, metric)
    warnings = [*_warnings(study, measured, effects, metric, directions, entries)]
    return Answer(sentence, metric, columns, rows, tuple(warnings), tuple(effects))


def arms_of(study: Study, entries: Sequence[Entry]) -> list[Arm]:
    """The arms of an ablation, the baseline first, found again from its file and its finished trials.

    With `best_of` the file doesn't say where the baseline stands, so each arm's own settings are tried as baseline.
    Raises `DesignError` where no baseline explains all arms in the ledger.
    """
    ablation = _ablation(study)
    names = {entry.arm for entry in entries if entry.arm is not None}
    found = {entry.arm: entry.settings for entry in entries if entry.arm is not None}
    starts = [ablation.baseline, *(settings for _, settings in sorted(found.items()))]
    for start in starts:
        try:
            arms = make_arms(ablation, start, study.settings)
        except DesignError:
            continue
        if all(any(name in (arm.name, arm.key) for arm in arms) for name in names):
            return arms
    raise DesignError(f"the arms in the ledger ({', '.join(sorted(names))}) are not those of study {study.study}")


def _ablation(study: Study) -> Ablation:
    if study.ablation is None:
        raise ValueError(f"study {study.study} is a search, not an ablation")
    return study.ablation


def _table(
    arms: Sequence[Arm], measured: Sequence[Measured], effects: Sequence[Effect], entries: Sequence[Entry], metric: str
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    spread = [float(np.std([*arm.values.values()], ddof=1)) for arm in measured if len(arm.values) > 1]
    scale, differences = Scale.of(metric, spread), scale_of(effects, metric)
    last = any(metric in entry.test_last for entry in entries)
    unit = "points" if is_fraction(metric) else "difference"
    columns = ("arm", "seeds", metric_label(metric), *(["last epoch"] if last else []))
    columns += (
        f"difference ({unit})" if unit == "points" else unit,
        "interval",
        "p (Holm)",
        "p (sign flips)",
        "verdict",
    )
    by_arm = {effect.arm: effect for effect in effects if effect.kind == "arm"}
    rows = []
    for arm, values in zip(arms, measured, strict=True):
        known = [values.arm, _seeds(values), _mean_sd([*values.values.values()], scale)]
        if last:
            known.append(_mean_sd(_last_values(entries, arm, metric), scale))
        if arm.is_baseline or values.arm not in by_arm:
            rows.append((*known, *[DASH] * 4, "baseline" if arm.is_baseline else DASH))
        else:
            rows.append((*known, *_effect_cells(by_arm[values.arm], differences)))
    for effect in effects:
        if effect.kind != "arm":
            blank = [DASH] * (2 if last else 1)
            rows.append((f"{effect.kind}: {effect.name}", str(effect.n), *blank, *_effect_cells(effect, differences)))
    return columns, tuple(rows)


def _effect_cells(effect: Effect, scale: Scale) -> tuple[str, ...]:
    return (
        DASH if effect.mean is None else scale.change(effect.mean),
        scale.interval(effect.low, effect.high),
        p_value(effect.p_holm),
        p_value(effect.p_permutation),
        str(effect.verdict),
    )


def _last_values(entries: Iterable[Entry], arm: Arm, metric: str) -> list[float]:
    found = [entry.test_last.get(metric) for entry in of_arm(entries, arm) if entry.outcome == Outcome.COMPLETED]
    return [value for value in found if value is not None and math.isfinite(value)]


def _mean_sd(values: Sequence[float], scale: Scale) -> str:
    if not values:
        return DASH
    mean = scale.value(float(np.mean(values)))
    return mean if len(values) < 2 else f"{mean} ± {scale.bare(float(np.std(values, ddof=1)))}"


def _seeds(values: Measured) -> str:
    done, total = len(values.values), len(values.values) + len(values.lost)
    if done == total:
        return str(total)
    reasons = [f"{count} {reason}" for reason, count in sorted(values.counts.items()) if reason != Outcome.COMPLETED]
    return f"{done} of {total} ({', '.join(reasons)})"


def _uninformative(effects: Sequence[Effect], metric: str, chance: float | None) -> str:
    """Robust accuracies near chance differ by noise, whatever the arms (twice chance, as the literature has it)."""
    if chance is None or "robust_accuracy" not in metric:
        return ""
    # With few classes twice chance is all there is: half-way between chance and certainty is asked for instead.
    bar = min(2 * chance, (1 + chance) / 2)
    levels = [level for e in effects if e.kind != "interaction" for level in (e.arm_mean, e.baseline_mean)]
    reached = [level for level in levels if level is not None]
    if not reached or max(reached) >= bar:
        return ""
    scale = Scale.of(metric)
    return f"no arm reaches {scale.value(bar)} where guessing gives {scale.value(chance)}."


def _warnings(
    study: Study,
    measured: Sequence[Measured],
    effects: Sequence[Effect],
    metric: str,
    directions: Mapping[str, Direction],
    entries: Sequence[Entry],
) -> Iterable[str]:
    ablation = _ablation(study)
    missing = sum(MISSING in arm.lost[seed] for arm in measured for seed in arm.lost)
    if missing:
        total = len(measured) * len(ablation.seed_list)
        yield f"Preliminary: {missing} of {plural(total, 'replicate')} are not trained yet."
    valueless = sum(reason == NO_VALUE for arm in measured for reason in arm.lost.values())
    if valueless:
        yield f"{plural(valueless, 'completed replicate')} without a finite value of {metric}."
    for effect in effects:
        for note in effect.notes:
            yield f"{note}." if note.startswith(effect.name) else f"{effect.name}: {note}."
    baseline = measured[0]
    if baseline.method_failures and not baseline.values:
        yield f"The baseline {baseline.arm} completed with no seed, so nothing can be compared."
    for arm in measured[1:]:
        if not arm.values and arm.lost and set(arm.lost.values()) <= METHOD_FAILURES:
            yield f"{arm.arm} failed as a method with every seed: a result, though no difference can be computed."
    yield from limits(len(ablation.seed_list), len(effects), ablation.compare.alpha)
    if metric not in directions:
        better = "larger" if direction_of(metric, directions) == "maximize" else "smaller"
        yield f"{metric} is no metric that the trainable declares; {better} is taken to be better."
    yield from single_attack(entries, metric)


def single_attack(entries: Sequence[Entry], metric: str) -> Iterable[str]:
    """A robust accuracy under one attack is an upper bound that other attacks may well lower (Carlini et al., 2019)."""
    attacks = {
        tuple(entry.params["attacks"])
        for entry in entries
        if isinstance(entry.params.get("attacks"), list | tuple) and "robust_accuracy" in metric
    }
    if any(len(listed) == 1 for listed in attacks):
        name = next(listed[0] for listed in attacks if len(listed) == 1)
        yield f"Robustness is measured with a single attack ({name}); others may lower it."
