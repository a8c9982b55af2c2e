"""What running a study would do; nothing is started."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from saddle.analyse.achievable import limits
from saddle.analyse.answering import arms_of_study
from saddle.errors import UserError
from saddle.execute.estimates import Estimate, estimate_trial
from saddle.execute.preflight import absent_data, local_resources, resolutions
from saddle.execute.preparing import NothingToBuildOn, find_baseline, known_values
from saddle.execute.shapes import DoesNotFit, slots_for, trial_shape
from saddle.search.samplers import notes, planned_trials
from saddle.store.base import Store
from saddle.store.ledger import Ledger
from saddle.study.models import Study
from saddle.study.space import Parameter
from saddle.study.trainables import load_trainable
from trainables.contract import resolve

START_SECONDS = 8.0
"""Until the first trial of a study trains: Ray's start, and importing torch in every slot."""


@dataclass(frozen=True)
class Plan:
    """Arms, trials, resources and estimates of one study."""

    study: Study
    trials: int | None
    done: int
    arms: Sequence[Mapping[str, Any]]
    seeds: Sequence[int]
    slots: int
    shape: str
    per_trial: Estimate
    config: Mapping[str, Any]
    assumed: Sequence[str]
    notes: Sequence[str]

    @property
    def seconds(self) -> float | None:
        """Wall-clock time for what is left, no trial stopping early; None where it can't be known."""
        if self.trials is None or self.per_trial.seconds is None:
            return None
        rounds = math.ceil(max(0, self.trials - self.done) / self.slots)
        return START_SECONDS + self.per_trial.seconds * rounds if rounds else 0.0

    @property
    def bytes(self) -> int | None:
        """What the study keeps on disk in all."""
        return None if self.trials is None or self.per_trial.bytes is None else self.per_trial.bytes * self.trials


def plan_study(study: Study, store: Store, data_root: str | None = None) -> Plan:
    """What `saddle run` would do with the study; raises what running it would raise, but for absent data."""
    trainable = load_trainable(study.trainable)
    found: list[str] = absent_data([study], data_root)
    try:
        baseline = find_baseline(study, store)
    except NothingToBuildOn as reason:
        found.append(f"{reason}; until then the arms are shown without its parameters")
        baseline = dict(study.ablation.baseline) if study.ablation else None
    arms = arms_of_study(study, baseline)
    seeds = study.ablation.seed_list if study.ablation else [0]
    resolved = [resolve(trainable, {**study.settings, **a.settings}, study.recipe, study.scale) for a in arms]
    resolved = resolved or list(islice(resolutions(study), 1))
    if not resolved:
        raise UserError(f"{study.study}: no configuration is valid with any one value of its search; nothing to plan")
    try:
        slots = slots_for(study, local_resources())
    except DoesNotFit as reason:
        found.append(f"{reason}; a cluster may have it: saddle submit, or saddle run --address")
        slots = 1
    trials = len(arms) * len(seeds) if study.ablation else planned_trials(study)
    if study.ablation:
        found += limits(len(seeds), len(arms) - 1, study.ablation.compare.alpha)
    else:
        found += notes(study.sampler.name, bool(study.constraints))
        found += idle_parameters(study)
    varied = {*(study.search or {}), *(study.ablation.factors if study.ablation else {})}
    return Plan(
        study=study,
        trials=trials,
        done=len(Ledger(store, study.study).keys()),
        arms=[{"arm": arm.name, **arm.settings} for arm in arms],
        seeds=seeds,
        slots=min(slots, trials) if trials else slots,
        shape=str(trial_shape(study.resources)),
        per_trial=estimate_trial(store, study.trainable, trainable, [complete.config for complete in resolved]),
        config=resolved[0].config.model_dump(mode="json"),
        assumed=sorted(
            name for name, source in resolved[0].sources.items() if source == "assumed" and name not in varied
        ),
        notes=found,
    )


def idle_parameters(study: Study) -> list[str]:
    """Parameters whose condition no trial can meet, because a default or fixed value decides it."""
    space, known = study.search or {}, known_values(study)
    return [
        f"{name} is never searched: its condition wants {condition} = {wanted}, which stays {known.get(condition)}"
        for name, parameter in space.items()
        for condition, wanted in parameter.when.items()
        if condition not in space and not Parameter(choice=[0], when={condition: wanted}).active(known)
    ]
