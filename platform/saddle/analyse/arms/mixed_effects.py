"""The mixed model's view of each contrast of a crossed design, for studies that ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from saddle.analyse.arms.contrast_effects import contrasts_of
from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.paired_values import of_arm
from saddle.analyse.best import value_of
from saddle.analyse.statistics.regression.mixed_model import Observation, mixed_effects
from saddle.analyse.statistics.scales import ScaleName, to_scale
from saddle.design import Arm
from saddle.study.ablation import Ablation
from saddle.study.values import canonical
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord


def with_mixed(
    effects: Sequence[Effect], ablation: Ablation, arms: Sequence[Arm], entries: Sequence[TrialRecord], metric: str
) -> tuple[Effect, ...]:
    """The effects with `mixed` if the study asks for the mixed model, has contrasts, and it can be fitted."""
    designed = contrasts_of(ablation, arms) if ablation.compare.mixed_model else None
    if designed is None or not entries:
        return tuple(effects)
    weights = {
        contrast.name: {arms[place].key: weight for place, weight in contrast.weights.items()}
        for contrast in designed.effects
    }
    estimates = mixed_effects(
        observations(entries, arms, metric, ablation.compare.scale), weights, ablation.compare.alpha
    )
    return tuple(replace(effect, mixed=estimates.get(effect.name)) for effect in effects)


def observations(
    entries: Sequence[TrialRecord], arms: Sequence[Arm], metric: str, scale: ScaleName = "linear"
) -> list[Observation]:
    """Every completed replicate with a finite value, on `scale`; of one trained again the latest counts."""
    observed: dict[tuple[str, int, str], Observation] = {}
    for arm in arms:
        for entry in sorted(of_arm(entries, arm), key=lambda entry: entry.started):
            value = value_of(entry, metric)
            place = (arm.key, entry.seed, canonical(entry.block))
            observed.pop(place, None)
            if entry.outcome == Outcome.COMPLETED and value is not None:
                observed[place] = Observation(*place, to_scale(value, scale))
    return list(observed.values())
