"""What running a study would do; nothing is started."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from saddle.analyse.arms.seeds_needed import Need, Spread, bounds_of, effects_count, limits_of, needs
from saddle.analyse.tuning import grown_past
from saddle.archive.studies import StoredStudy, growth_of, read_study
from saddle.cluster.capacity.resources import slots_for, trial_shape
from saddle.design import Arm, blocks_of_study, labels
from saddle.design.blocks import block_name, settings_of
from saddle.design.components import varied as varied_by
from saddle.design.description import DesignFacts, describe_design
from saddle.design.study_arms import arms_of_study
from saddle.errors import DoesNotFit, NothingToBuildOn, UserError
from saddle.execute.plan.baseline import find_baseline
from saddle.execute.plan.changed_file import ChangedFile, describe_change
from saddle.execute.plan.cost_estimate import EarlierTrials, Estimate, estimate_trial
from saddle.execute.plan.evaluation_notes import evaluation_notes
from saddle.execute.plan.follow_up import follow_up
from saddle.execute.plan.local_resources import local_resources
from saddle.execute.plan.pilot_spread import OPEN, PowerQuestion, find_spread
from saddle.execute.plan.preflight import data_notes, resolutions
from saddle.execute.plan.relation_plan import RelationPlan, plan_relation
from saddle.execute.plan.search_notes import search_notes
from saddle.execute.plan.selection_notes import selection_notes
from saddle.search.distinct_settings import planned_trials
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.study.models import Study
from saddle.study.trainable.declarations import Declarations
from saddle.study.trainable.lacking_parts import given_up
from saddle.study.trainable.loading import LoadedTrainable, load_trainable
from saddle.study.values import canonical
from saddle.studyfile.loader import parse_studies
from saddle.trial.run_id import RunId
from trainables.contract import Resolved, resolve

MOST_LOOKED_AT = 64
"""Configurations of a search that notes are made of."""
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
    references: Mapping[str, tuple[str, str]]
    """For fields with a known default: its source, and where that is documented."""
    notes: Sequence[str]
    design: DesignFacts | None = None
    """Of an ablation."""
    relation: RelationPlan | None = None
    """Of a relation."""
    spread: Spread | None = None
    """Standard deviation of paired differences; if known, `needs` says how many seeds each kind of effect needs."""
    effect: float | None = None
    needs: Sequence[Need] = ()
    looks: Sequence[tuple[int, float]] = ()
    """The interim looks of an ablation: after how many seeds, and the |t| that ends the strictest comparison then."""
    follow_up: tuple[str, Plan] | None = None
    """The ablation that a search's question needs (`asks`), as the text of a study file, and what it would do."""

    change: ChangedFile | None = None
    """What the file makes of a stored run of the study; None without one, and where nothing of it is to be done."""

    @property
    def seconds(self) -> float | None:
        """Wall-clock time for what is left, no trial stopping early; None if it can't be known."""
        if self.trials is None or self.per_trial.seconds is None:
            return None
        rounds = math.ceil(max(0, self.trials - self.done) / self.slots)
        return START_SECONDS + self.per_trial.seconds * rounds if rounds else 0.0

    @property
    def gpu_hours(self) -> float | None:
        """GPU-hours of what is left, no trial stopping early; None without GPUs or if it is unknown."""
        gpus = trial_shape(self.study.resources).gpus
        if not gpus or self.trials is None or self.per_trial.seconds is None:
            return None
        return max(0, self.trials - self.done) * self.per_trial.seconds * gpus / 3600

    @property
    def bytes(self) -> int | None:
        """What the study keeps on disk in all."""
        return None if self.trials is None or self.per_trial.bytes is None else self.per_trial.bytes * self.trials


def plan_study(
    study: Study,
    store: Store,
    data_root: str | None = None,
    question: PowerQuestion = OPEN,
    gpu_throughput: float | None = None,
    earlier: EarlierTrials | None = None,
) -> Plan:
    """What `saddle run` would do with the study; raises what running it would raise, but for absent data.

    `gpu_throughput`: multiply-adds a second of one GPU, where somebody knows them. `earlier`: the storage's trials,
    where several studies are planned.
    """
    earlier = earlier or EarlierTrials(store)
    trainable = load_trainable(study.source)
    notes = [*given_up(trainable), *data_notes([study], data_root)]
    stored = read_study(store, study.study)
    change = None if stored is None else describe_change(study, stored, store)
    baseline, unsettled = _baseline(study, store)
    arms = _arms(study, baseline, stored, change)
    relation = None if study.relation is None else plan_relation(study, trainable, store, data_root)
    seeds = study.seed_list if study.search is None else [0]
    settings = _settings(study, arms, relation)
    resolved = _resolved(study, trainable, settings)
    if not resolved and (relation is None or seeds):
        raise UserError(f"{study.study}: no configuration of its search is valid, so there is nothing to plan")
    slots, too_large = _slots(study)
    trials = len(settings) * len(seeds) if study.search is None else planned_trials(study)
    config = resolved[0].config.model_dump(mode="json") if resolved else {}
    spread = find_spread(study, store, trainable, question) if study.ablation else None
    varied = _varied(study)
    looked_at = _looked_at(study, arms, resolved)
    notes += [*selection_notes(study, trainable, *looked_at), *evaluation_notes(trainable, *looked_at)]
    finished = len(Ledger(store, RunId(study.study)).keys())
    is_done = relation is None and trials is not None and finished >= trials
    limits = [] if is_done else _limits(study, arms, config)
    return Plan(
        study=study,
        trials=trials,
        done=finished,
        relation=relation,
        arms=differing_settings(arms),
        seeds=seeds,
        slots=min(slots, trials) if trials else slots,
        shape=str(trial_shape(study.resources)),
        per_trial=estimate_trial(
            store, trainable, [complete.config for complete in resolved], study.resources, gpu_throughput, earlier
        ),
        config=config,
        assumed=_assumed(resolved, varied),
        references=references_of(resolved, varied),
        notes=[*notes, *unsettled, *too_large, *limits],
        design=describe_design(study.ablation, arms) if study.ablation else None,
        spread=spread,
        effect=question.effect if spread else None,
        change=change,
        follow_up=plan_follow_up(study, store, trainable, data_root, gpu_throughput, earlier),
        needs=needs(study.ablation, arms, spread, question.effect) if study.ablation and spread else (),
        looks=planned_looks(study, arms),
    )


def _arms(
    study: Study, baseline: Mapping[str, Any] | None, stored: StoredStudy | None, change: ChangedFile | None
) -> Sequence[Arm]:
    """The arms, those of a stored run unchanged where the file may continue with it."""
    if stored is None or stored.study.ablation is None or study.ablation is None:
        return arms_of_study(study, baseline)
    return arms_of_study(study, baseline) if change is not None and change.refused else growth_of(stored, study).arms


def _baseline(study: Study, store: Store) -> tuple[dict[str, Any] | None, list[str]]:
    """The baseline as far as it is known, and a note where the search that it is the best of has none yet."""
    try:
        return find_baseline(study, store), _found_since(study, store)
    except NothingToBuildOn as error:
        known = dict(study.ablation.baseline) if study.ablation else None
        # without its advice to run the search first, which a run of the file does by itself
        return known, [f"{error.reason}; until then the arms are shown without its parameters"]


def _found_since(study: Study, store: Store) -> list[str]:
    """A note where the search has found a better trial than that which the stored ablation was built on."""
    stored = read_study(store, study.study)
    return [] if stored is None or stored.tuned is None else list(grown_past(stored.tuned))


def _settings(study: Study, arms: Sequence[Arm], relation: RelationPlan | None) -> list[dict[str, Any]]:
    """What each arm sets in each block whose data are here."""
    absent = [] if relation is None else [unit.name for unit in relation.absent]
    blocks = [block for block in blocks_of_study(study) if block_name(block) not in absent]
    return [{**study.settings, **arm.settings, **settings_of(block)} for arm in arms for block in blocks]


def _looked_at(
    study: Study, arms: Sequence[Arm], resolved: Sequence[Resolved]
) -> tuple[Sequence[str], Sequence[Resolved]]:
    """The configurations of the arms, block by block within each, or of a search those with its ranges' ends and
    choices, and whose they are: the name of an arm, empty in a search."""
    if study.search is not None:
        ends = list(islice(resolutions(study), MOST_LOOKED_AT))
        return [""] * len(ends), ends
    each = len(resolved) // len(arms) if arms else 0
    if not each:  # nothing is known of the arms yet but one configuration
        return [""] * len(resolved), resolved
    return [name for name in labels(arms) for _ in range(each)], resolved


def _resolved(study: Study, trainable: LoadedTrainable, settings_list: Sequence[dict[str, Any]]) -> list[Resolved]:
    """The configurations of these settings; of a search, where there are none, its first valid one."""
    resolved = [resolve(trainable, settings, study.recipe, study.scale) for settings in settings_list]
    return resolved or list(islice(resolutions(study), 1))


def _slots(study: Study) -> tuple[int, list[str]]:
    """How many trials run at the same time here, and a note where not even one fits."""
    most = study.resources.trials_per_gpu
    shared = f"up to {most} trials share a GPU: as many as fit into its memory, which is measured when the study starts"
    notes = [] if most is None else [shared]
    try:
        return slots_for(study, local_resources()), notes
    except DoesNotFit as reason:
        return 1, [f"{reason}; a cluster may have it: saddle submit, or saddle run --address", *notes]


def _limits(study: Study, arms: Sequence[Arm], config: Mapping[str, Any]) -> list[str]:
    """What the study can't show, regardless of its results, and what it takes as a nightly."""
    if study.ablation:
        return [*_pool(study, arms), *limits_of(study.ablation, effects_count(study.ablation, arms))]
    return [] if study.search is None else search_notes(study, config)


def _pool(study: Study, arms: Sequence[Arm]) -> list[str]:
    """How many trials the nights of a nightly train before they compare any."""
    if study.nightly is None:
        return []
    pool, night = study.nightly.pool * len(arms), study.nightly.rotation * len(arms)
    references = f"saddle nightly first trains {pool} trials as references"
    return [f"{references}, over as many nights as it takes; later {night} a night"]


def _varied(study: Study) -> set[str]:
    """The hyperparameters that trials of the study differ in by design."""
    varied = {*(study.search or {}), *(varied_by(study.ablation) if study.ablation else [])}
    return varied | (set(study.relation.unit_settings) if study.relation is not None else set())


def _assumed(resolved: Sequence[Resolved], varied: Collection[str]) -> list[str]:
    """The fields of the first configuration without a published value, but for what varies."""
    sources = resolved[0].sources if resolved else {}
    return sorted(name for name, source in sources.items() if source == "assumed" and name not in varied)


def planned_looks(study: Study, arms: Sequence[Arm]) -> list[tuple[int, float]]:
    """The interim looks with their bounds; none if there is only one, at the end."""
    ablation = study.ablation
    if ablation is None or ablation.spending is None:
        return []
    bounds = bounds_of(ablation, ablation.looks, effects_count(ablation, arms))
    return list(zip(ablation.looks, bounds, strict=True))


def references_of(resolved: Sequence[Resolved], varied: Collection[str]) -> dict[str, tuple[str, str]]:
    """Source and reference of the first configuration's values that say whose they are, but for what varies."""
    return {
        name: (complete.sources[name], reference)
        for complete in resolved[:1]
        for name, reference in complete.references.items()
        if name not in varied
    }


def plan_follow_up(
    study: Study,
    store: Store,
    declared: Declarations,
    data_root: str | None,
    gpu_throughput: float | None,
    earlier: EarlierTrials,
) -> tuple[str, Plan] | None:
    """The ablation that answers what the search's question asks of one of its parameters, and its plan."""
    text = follow_up(study, store, declared)
    if not text:
        return None
    [ablation] = parse_studies(text, f"the ablation that answers {study.study}")
    return text, plan_study(ablation, store, data_root, gpu_throughput=gpu_throughput, earlier=earlier)


def differing_settings(arms: Sequence[Arm]) -> list[dict[str, Any]]:
    """The arms by name with those settings in which they differ."""
    names = dict.fromkeys(name for arm in arms for name in arm.settings)
    differ = [name for name in names if len({canonical(arm.settings.get(name)) for arm in arms}) > 1]
    return [{"arm": arm.name, **{name: arm.settings.get(name) for name in differ}} for arm in arms]
