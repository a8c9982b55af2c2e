"""A stored study: its file as first run, the instance of its name, and whether it may be resumed."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from saddle.analyse.study_results import StudyResults
from saddle.analyse.tuning import TunedBy
from saddle.archive.best_of import find_tuned
from saddle.archive.declarations import read_declarations, write_declarations
from saddle.archive.growth import Growth, find_growth
from saddle.archive.model.evaluation import AS_TRAINED, Evaluation, evaluate_command, read_evaluation
from saddle.design import Arm, Replicate, replicates_of_study
from saddle.design.study_arms import arms_of_study
from saddle.errors import EvaluationChanged, ForeignPath, OwnSourcesError, StorageError, StudyChanged
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.store.open import study_folder
from saddle.store.ownership.fence import NO_LOCK, StudyLock, write_fenced
from saddle.store.parallel import in_parallel
from saddle.store.run_files.plan_log import history_of, record_plan
from saddle.store.run_files.source_archive import located, write_sources
from saddle.store.run_files.unit_log import read_units
from saddle.study.evaluation import as_trained, changed_evaluation
from saddle.study.history import NO_GROWTH, UNCHANGED, PlanGrowth, PlanHistory, SeedPlan
from saddle.study.models import Study
from saddle.study.relations.unit_facts import NO_FACTS, UnitFacts
from saddle.study.terms import terms_of
from saddle.study.trainable.declarations import UNDECLARED, Declarations
from saddle.study.trainable.loading import load_trainable
from saddle.study.values import same
from saddle.studyfile.loader import dump_study, parse_studies, plain_study
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import STUDIES, RunId

log = logging.getLogger(__name__)

FACTS = ("instance.json", "instance-copy.json")
"""What is stored nowhere else about a run, so it is kept twice: which instance it is, and its baseline."""


@dataclass(frozen=True)
class StoredStudy:
    """A run of a study: the study file, resolved, and the facts that were settled when it first ran."""

    study: Study
    run: RunId
    baseline: Mapping[str, Any] | None
    evaluation: Evaluation = AS_TRAINED
    """The settings that its trials are measured with, if they are no longer those of the file."""
    declared: Declarations = UNDECLARED
    """What its trainable declared when it trained."""
    history: PlanHistory = UNCHANGED
    """The plans of an ablation's seeds so far."""
    tuned: TunedBy | None = None
    """The search that its baseline is the best of."""
    units: UnitFacts = NO_FACTS
    """What is known about the units of a relation."""

    @property
    def instance(self) -> str:
        """What distinguishes this run from others of its study."""
        return self.run.instance

    @cached_property
    def arms(self) -> Sequence[Arm]:
        """The arms of an ablation around its settled baseline, those of a relation; none for a search."""
        return arms_of_study(self.study, self.baseline, self.history.later_factors)

    @cached_property
    def replicates(self) -> Sequence[Replicate]:
        """The replicates of an ablation or relation, except those of units without data; none for a search."""
        return [] if self.study.search is not None else replicates_of_study(self.study, self.arms, self.units.absent)

    def results(self, records: Sequence[TrialRecord]) -> StudyResults:
        """The results of the run with these records."""
        return StudyResults(
            self.run, self.study, self.declared, records, self.arms, self.history, self.tuned, self.units
        )

    def read_results(self, store: Store) -> StudyResults:
        """The results of the run by the present content of its ledger."""
        return self.results(Ledger(store, self.run).entries())


def study_names(store: Store) -> list[str]:
    """The studies in the storage; runs set aside by `--fresh` are not among them."""
    return [name for name in run_names(store) if not RunId.stored(name).is_set_aside]


def set_aside_names(store: Store) -> list[str]:
    """The runs that `--fresh` has set aside for new ones of their studies."""
    return [name for name in run_names(store) if RunId.stored(name).is_set_aside]


def run_names(store: Store) -> list[str]:
    """Every run in the storage by the name of its folder."""
    names = list(store.names(STUDIES))
    stored = in_parallel(store, lambda name: _has_file(store, RunId.stored(name)), names)
    return [name for name, exists in zip(names, stored, strict=True) if exists]


def _has_file(store: Store, run: RunId) -> bool:
    """Whether there is a study's file; a link that isn't followed counts, and reading it reports why."""
    try:
        return store.exists(f"{study_folder(run)}/study.yaml")
    except ForeignPath:
        return True


def read_study(store: Store, name: str) -> StoredStudy | None:
    """The study in the folder called `name`, or None if there is none.

    Its run has the folder that it was read from, even if the study's file has another name. Raises `StudyError` or
    `StorageError` if it is damaged.
    """
    folder = study_folder(RunId.stored(name))
    try:
        content = store.read(f"{folder}/study.yaml")
        instance, baseline = read_facts(store, folder)
    except FileNotFoundError:
        return None
    [study] = parse_studies(content, store.locate(f"{folder}/study.yaml"), stored=True)
    run = RunId(study.study, instance, name if name != study.study else "")
    history = history_of(store, run, study)
    study, declared = with_seeds(study, history.plans), read_declarations(store, run, study)
    study = with_stored_sources(store, run, study, declared)
    units = NO_FACTS if study.relation is None else read_units(store, run)
    evaluation, tuned = read_evaluation(store, run), find_tuned(store, study, baseline)
    return StoredStudy(study, run, baseline, evaluation, declared, history, tuned, units)


def with_stored_sources(store: Store, run: RunId, study: Study, declared: Declarations) -> Study:
    """The study with the sources that its run keeps of a trainable that is a file; unchanged if there are none."""
    if not study.source.is_own:
        return study
    source = replace(study.source, checksum=declared.sources, terms=terms_of([plain_study(study)]))
    try:
        return study.with_source(located(store, run, source))
    except (OwnSourcesError, StorageError, OSError) as error:  # what is stored is read without them
        log.info("%s: %s", run, error)
        return study


def with_seeds(study: Study, plans: Sequence[SeedPlan]) -> Study:
    """The study with its first plan's way of counting: around the best of a search, earlier saddles counted from 0."""
    ablation = study.ablation
    if ablation is None or isinstance(ablation.seeds, list) or not plans or plans[0].seeds[0] == ablation.seed_list[0]:
        return study
    first = plans[0].seeds[0]
    seeds = list(range(first, first + len(ablation.seed_list)))
    return study.model_copy(update={"ablation": ablation.model_copy(update={"seeds": seeds})})


def read_facts(store: Store, folder: str) -> tuple[str, Mapping[str, Any] | None]:
    """The instance in `folder`, and its baseline, from the first undamaged copy.

    Raises `FileNotFoundError` if there is none, `StorageError` if none is whole.
    """
    damage = None
    for name in FACTS:
        try:
            facts = json.loads(store.read(f"{folder}/{name}"))
            instance, baseline = facts["instance"], facts["baseline"]
            if not isinstance(instance, str) or not RunId.is_name(
                instance
            ):  # part of the folder's name once the run is set aside
                raise ValueError(f"{instance!r} can't tell a run from others")
            if not isinstance(baseline, dict | None):
                raise TypeError(f"{baseline!r} is not a baseline")
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, TypeError) as error:
            damage = damage or f"{store.locate(folder)}/{name} is damaged: {error}"
            continue
        if damage:
            log.warning("%s; its copy is used, and the next run writes it again", damage)
        return instance, baseline
    if damage is None:
        raise FileNotFoundError(f"{folder}/{FACTS[0]}")
    raise StorageError(damage)


def has_begun(store: Store, run: RunId) -> bool:
    """Whether a trial of the run has ended, or left something to continue from."""
    return bool(Ledger(store, run).keys()) or any(True for _ in store.names(f"{study_folder(run)}/trials"))


def refuse_changes(store: Store, stored: StoredStudy, study: Study) -> None:
    """Raise `StudyChanged` where `study` differs from the stored one in what its trials rest on (`study.changes`).

    If it differs only in how trials are measured, and that is not how the stored ones are measured now, raise
    `EvaluationChanged`.
    """
    study = with_seeds(study, stored.history.plans)
    refused = growth_of(stored, study).refused
    if not refused:
        return
    trainable = load_trainable(study.source)
    if growth_of(stored, as_trained(study, stored.study, trainable.evaluation_fields)).refused:
        raise StudyChanged(study.study, refused)
    wanted = changed_evaluation(stored.study, study, trainable)
    if any(not same(value, stored.evaluation.settings.get(name)) for name, value in wanted.items()):
        raise EvaluationChanged(str(stored.run), refused, evaluate_command(store, stored.run, wanted))


def growth_of(stored: StoredStudy, study: Study) -> Growth:
    """What the changed `study` means for the stored one."""
    return find_growth(stored.study, with_seeds(study, stored.history.plans), stored.baseline, stored.history)


def settle_study(
    store: Store, study: Study, baseline: Mapping[str, Any] | None, *, fresh: bool, lock: StudyLock = NO_LOCK
) -> StoredStudy:
    """Store the study, or continue the stored one if it says the same or less.

    The evaluation of the stored one stays, as its checkpoints were chosen with it. Raises `StudyChanged`, or
    `TakenOver` if another driver has taken the study over.
    """
    stored = read_study(store, study.study)
    if stored is not None and fresh:
        lock.check()
        set_aside(store, stored.run)
        stored = None
    if stored is not None:
        study = with_seeds(study, stored.history.plans)
        refuse_changes(store, stored, study)
        if stored.baseline != baseline and has_begun(store, stored.run):
            raise StudyChanged(study.study, [f"ablation.baseline: was {stored.baseline}, is {baseline}"])
    growth = NO_GROWTH if stored is None else growth_of(stored, study).of_plan
    run = stored.run if stored is not None else RunId(study.study, uuid.uuid4().hex[:12])
    trainable = load_trainable(study.source)
    declared = trainable.after(None if stored is None else stored.declared)
    if stored is not None:
        study = as_trained(study, stored.study, declared.evaluation_fields)
    if trainable.source.is_own:
        write_sources(store, run, trainable.source, lock)
    return write_study(store, run, study, baseline, declared, stored, lock, growth)


def write_study(
    store: Store,
    run: RunId,
    study: Study,
    baseline: Mapping[str, Any] | None,
    declared: Declarations,
    stored: StoredStudy | None,
    lock: StudyLock,
    growth: PlanGrowth = NO_GROWTH,
) -> StoredStudy:
    """Write the parts of a run other than its trials, its file last; `stored` is the old one. Raises `TakenOver`.

    A plan that is not the latest one is added to the log, and how the study grew with it.
    """
    evaluation = stored.evaluation if stored is not None else AS_TRAINED
    folder, facts = study_folder(run), {"instance": run.instance, "baseline": baseline, "token": lock.token}
    for name in FACTS:
        write_fenced(store, f"{folder}/{name}", json.dumps(facts).encode(), lock)
    write_declarations(store, run, declared, lock)
    before = None if stored is None else stored.history
    finished = len(Ledger(store, run).keys())
    history = record_plan(store, run, before, study, finished=finished, lock=lock, growth=growth)
    write_fenced(store, f"{folder}/study.yaml", dump_study(study).encode(), lock)
    units = NO_FACTS if stored is None else stored.units
    return StoredStudy(study, run, baseline, evaluation, declared, history, find_tuned(store, study, baseline), units)


def set_aside(store: Store, run: RunId) -> RunId:
    """Set a run aside for the one that takes its place; returns its new name."""
    now = time.strftime("%Y%m%dT%H%M%S")
    present = set(store.names(STUDIES))
    aside = run.set_aside(now)
    if aside.name in present:  # two in one second whose instances begin in the same way
        aside = run.set_aside(now, len(run.instance))
    store.move(study_folder(run), study_folder(aside))
    return aside
