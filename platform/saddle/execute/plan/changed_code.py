"""What new trials of a stored study would be trained with, where its stored trials were trained differently."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from saddle.analyse.remaining_replicates import needs_of
from saddle.analyse.text.formatting import listed
from saddle.analyse.training_basis import SOURCES, basis_of, basis_of_facts, by_value, whose, with_results
from saddle.archive.progress import read_progress
from saddle.archive.studies import StoredStudy, growth_of, read_study, with_seeds
from saddle.design import replicates_of_study
from saddle.errors import CodeChanged
from saddle.execute.fingerprint import fingerprint_data, fingerprint_environment, fingerprint_sources
from saddle.execute.plan.checking_run import CheckingRun
from saddle.search.distinct_settings import planned_trials
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.store.run_files.source_archive import changed_files
from saddle.study.evaluation import as_trained
from saddle.study.models import Study
from saddle.study.trainable.loading import LoadedTrainable, load_trainable
from saddle.study.values import canonical, readable, same
from saddle.trial.json_text import to_json
from saddle.trial.record import TrialRecord
from trainables.contract import resolve
from trainables.datasets.errors import DataError

MOST_COMPLETED = 20
"""Of the trials of an arm, or of a search, so many are completed again; a default shows in each of them."""
NOWHERE = object()


@dataclass(frozen=True)
class _Trained:
    """A stored study with its changed file, its trials that an answer rests on, and its present trainable."""

    store: Store
    stored: StoredStudy
    study: Study
    records: Sequence[TrialRecord]
    trainable: LoadedTrainable

    @property
    def names(self) -> Mapping[str, str]:
        """The names of arms as a reader sees them."""
        return self.stored.results(self.records).arm_names

    @property
    def groups(self) -> list[list[TrialRecord]]:
        """The trials of each arm in each block, or of the search, the latest first."""
        groups: dict[str, list[TrialRecord]] = {}
        for record in sorted(self.records, key=lambda record: -record.ended):
            groups.setdefault(canonical([record.arm, dict(record.block)]), []).append(record)
        return list(groups.values())


def refuse_other_code(
    studies: Sequence[Study], store: Store, run: CheckingRun, retry: Sequence[str] = (), again: Sequence[str] = ()
) -> None:
    """Raise `CodeChanged` for the first study whose next trials would be trained differently from its stored ones."""
    for study in studies:
        changes = changed_code(study, store, run, retry, again)
        if changes:
            raise CodeChanged(study.study, changes)


def changed_code(
    study: Study, store: Store, run: CheckingRun | None, retry: Sequence[str] = (), again: Sequence[str] = ()
) -> list[str]:
    """In what, and which stored trials were trained with what; empty if nothing is left to train.

    `run` loads the data that their fingerprints are compared with; without it data are not looked at. `retry` are
    outcomes, `again` trials that are to be run again.
    """
    stored = read_study(store, study.study)
    if stored is None or stored.declared.imported is not None:
        return []
    entries = [record for record in Ledger(store, stored.run).entries() if record.outcome not in retry]
    records = with_results(entries)
    if not records or not (again or is_left(stored, study, entries, store)):
        return []
    trainable = load_trainable(study.source)
    study = as_trained(study, stored.study, trainable.evaluation_fields)
    trained = _Trained(store, stored, study, records, trainable)
    return [*_code(trained), *_configuration(trained), *(() if run is None else _data(trained, run))]


def is_left(stored: StoredStudy, study: Study, entries: Sequence[TrialRecord], store: Store) -> bool:
    """Whether the changed `study` has trials that have not ended."""
    if study.search is not None:
        planned = planned_trials(study)
        progress = read_progress(store, stored.run)
        if planned is None:
            return progress is None or not progress.exhausted
        return len(entries) < planned
    study = with_seeds(study, stored.history.plans)
    arms = stored.arms if study.relation is not None else growth_of(stored, study).arms
    finished = {record.key for record in entries}
    unfinished = [each for each in replicates_of_study(study, arms, stored.units.absent) if each.key not in finished]
    if unfinished and study.ablation is not None and study.ablation.spending is not None:
        needs = needs_of(study, arms, entries, load_trainable(study.source), stored.history)
        unfinished = [replicate for replicate in unfinished if needs(replicate)]
    return bool(unfinished)


def _code(trained: _Trained) -> Iterator[str]:
    """Checksums and versions that none of the trials has."""
    facts = {**fingerprint_sources(trained.trainable), "environment": fingerprint_environment()}
    before = by_value(trained.records)
    for name, now in basis_of_facts(facts).items():
        if name in before and now not in before[name]:
            former = "; ".join(f"{value} in {whose(group, trained.names)}" for value, group in before[name].items())
            yield f"{name}: {former} → {now}{_files(trained, name, before[name])}"


def _files(trained: _Trained, name: str, before: Mapping[str, Sequence[TrialRecord]]) -> str:
    """Which files of the user's own were changed since the latest trial."""
    if name != SOURCES or not trained.trainable.source.is_own:
        return ""
    latest = max((record for group in before.values() for record in group), key=lambda record: record.ended)
    files = changed_files(trained.store, trained.stored.run, basis_of(latest)[SOURCES], trained.trainable.source)
    return f" ({listed(files)})" if files else ""


def _configuration(trained: _Trained) -> Iterator[str]:
    """Values that a trial with the same settings would have otherwise now, such as those of a changed default."""
    changes: dict[str, list[TrialRecord]] = {}
    for group in trained.groups:
        differences = [_completed_otherwise(trained, record) for record in group[:MOST_COMPLETED]]
        for name in set.intersection(*(set(each) for each in differences)):
            changes.setdefault(f"{name}: {differences[0][name]}", []).extend(group)
    for change, records in sorted(changes.items()):
        yield f"{change}, in {whose(records, trained.names)}"


def _completed_otherwise(trained: _Trained, record: TrialRecord) -> dict[str, str]:
    """The values that a trial was trained with and those it would have now, `10 → 15`, if they differ."""
    study = trained.study
    settings = {**study.settings, **record.settings}
    try:
        resolved = resolve(trained.trainable, settings, study.recipe, study.scale)
    except ValidationError as error:
        return {"configuration": f"valid → refused: {error.errors()[0]['msg']}"}
    now: dict[str, Any] = json.loads(to_json(resolved.config.model_dump(mode="json")))  # as a ledger has it
    pairs = {name: (record.params.get(name, NOWHERE), now.get(name, NOWHERE)) for name in (*record.params, *now)}
    return {
        name: f"{_said(before)} → {_said(after)}"
        for name, (before, after) in pairs.items()
        if (before is NOWHERE) != (after is NOWHERE) or not same(before, after)
    }


def _said(value: Any) -> str:
    return "no such setting" if value is NOWHERE else readable(value)


def _data(trained: _Trained, run: CheckingRun) -> Iterator[str]:
    """Datasets that are no longer what the trials were trained on."""
    changes: dict[str, None] = {}
    for group in trained.groups:
        by_fact = by_value(group)
        if not any(name.startswith("data of ") for name in by_fact):
            continue
        try:
            config = trained.trainable.Config.model_validate(dict(group[0].params))
            now = basis_of_facts(fingerprint_data(config, run))
        except (ValidationError, DataError):
            continue  # reported by the check of configurations and data
        for name, value in now.items():
            if name in by_fact and value not in by_fact[name]:
                before = "; ".join(f"{old} in {whose(of, trained.names)}" for old, of in by_fact[name].items())
                changes[f"{name}: {before} → {value}"] = None
    yield from changes
