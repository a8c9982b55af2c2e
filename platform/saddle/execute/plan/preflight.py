"""Finds what is certain to fail before anything starts."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from saddle.archive.studies import read_study, refuse_changes
from saddle.cluster.capacity.resources import slots_for
from saddle.design.blocks import Block, block_list, settings_of
from saddle.design.components import settings_at
from saddle.execute.plan.baseline import find_baseline
from saddle.execute.plan.checked_data import key_of, note_passed, read_remarks
from saddle.execute.plan.checking_run import CheckingRun
from saddle.execute.plan.local_resources import local_resources
from saddle.execute.plan.units import settings_in_units
from saddle.store.base import Store
from saddle.store.ownership.lock import driver_of, lock_study
from saddle.study.models import Ablation, Study
from saddle.study.trainable.loading import load_trainable
from saddle.trial.run_id import RunId
from trainables.contract import Resolved, resolve
from trainables.datasets.config import FolderDataset, ParquetDataset
from trainables.datasets.errors import DataError, DataNotFoundError


def check_studies(studies: Sequence[Study], store: Store, *, fresh: bool = False, here: bool = True) -> None:
    """Raise what running the studies would raise, as far as it depends on storage and resources.

    Resources are checked only where trials run `here`, on this machine. Raises `StudyChanged`, `NothingToBuildOn`,
    `DoesNotFit`, `SharedDatabaseError`, or `StorageError` if another driver runs one.
    """
    if any(study.search is not None for study in studies):
        check_shared_database()
    check_stored(studies, store, fresh=fresh)
    if here and not connected():
        for study in studies:
            slots_for(study, local_resources())


def check_stored(studies: Sequence[Study], store: Store, *, fresh: bool = False) -> None:
    """Raise where the storage doesn't allow running the studies: other settings, no baseline, another driver."""
    names = [study.study for study in studies]
    for position, study in enumerate(studies):
        refuse_second_driver(store, RunId(study.study))
        stored = read_study(store, study.study)
        if stored is not None and not fresh:
            refuse_changes(store, stored, study)
        if study.ablation is not None and study.ablation.best_of not in names[:position]:
            find_baseline(study, store, fresh=fresh)


def check_shared_database() -> None:
    """Raise `SharedDatabaseError` where Optuna's database is named and can't be used."""
    from saddle.search.database import open_shared, shared_url

    url = shared_url()
    if url is not None:
        open_shared(url).close()


def refuse_second_driver(store: Store, run: RunId) -> None:
    """Raise `StorageError` if another process trains the run."""
    if driver_of(store, run) is not None:
        with lock_study(store, run):  # raises, naming the process, unless it has ended in between
            pass


def connected() -> bool:
    """Whether this process uses a Ray cluster already, whose resources are not this machine's."""
    if "ray" not in sys.modules:
        return False
    import ray

    return bool(ray.is_initialized())


def check_data(studies: Sequence[Study], data_root: str | None) -> list[str]:
    """Open every dataset the studies name, and let their trainables check it against each configuration.

    Gives what should be known of how the datasets were read. Raises `trainables.datasets.DataError` saying which files
    are absent or corrupt, all of them, and what to do.
    """
    if data_root is not None and not Path(data_root).expanduser().is_dir():
        raise DataNotFoundError(f"the data root {data_root} is not a folder; `saddle data fetch NAME` makes it")
    run = CheckingRun(data_root=data_root)
    raise_together(look_at_data(studies, run))
    return run.remarks


def data_notes(studies: Sequence[Study], data_root: str | None) -> list[str]:
    """Which datasets the studies name that aren't on this machine, how to get them, and what of the others is odd.

    Raises what `check_data` would raise of those that are here.
    """
    run = CheckingRun(data_root=data_root)
    raise_together([error for error in look_at_data(studies, run) if not isinstance(error, DataNotFoundError)])
    return [*run.absent.values(), *run.remarks]


def look_at_data(studies: Sequence[Study], run: CheckingRun) -> list[DataError]:
    """What is wrong with each dataset for each configuration of the studies, in their order, without repetitions.

    Of a relation units without data are waited for, unless no unit has any.
    """
    problems: dict[str, DataError] = {}
    for study in studies:
        wrong = look_at_study(study, run)
        problems |= {str(error): error for error in wrong if str(error) not in problems}
    return list(problems.values())


def look_at_study(study: Study, run: CheckingRun) -> list[DataError]:
    """What is wrong with the data of a study, which is noted where nothing is (see `checked_data`)."""
    trainable, looked_at = load_trainable(study.source), list(configs(study))
    key = key_of(trainable, looked_at, run.data_root)
    noted = read_remarks(key) if key is not None else None
    if noted is not None:
        run.noted += [remark for remark in noted if remark not in run.noted]
        return []
    run.asked.clear()
    wrong: list[DataError] = []
    for config in looked_at:
        try:
            trainable.check(config, run)
        except DataError as error:
            wrong.append(error)
    if key is not None and not wrong:
        note_passed(key, run.remarks_on(run.asked))
    if study.relation is not None and len(wrong) < len(looked_at):
        return [error for error in wrong if not isinstance(error, DataNotFoundError)]
    return wrong


def raise_together(problems: Sequence[DataError]) -> None:
    """Raise the only one, or all of them as one."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise DataError("\n".join(map(str, problems)))


def own_paths(dataset: Any) -> list[str]:
    """The paths of the user's own data."""
    if isinstance(dataset, FolderDataset):
        return [dataset.folder]
    return list(dataset.parquet.splits.values()) if isinstance(dataset, ParquetDataset) else []


def configs(study: Study) -> Iterator[Any]:
    """The valid configurations among the study's own and those of its levels and choices (see `resolutions`)."""
    return (resolved.config for resolved in resolutions(study))


def resolutions(study: Study) -> Iterator[Resolved]:
    """The study's settings completed: alone, with all first levels or choices, and with each of them by itself.

    All of that in every block; of a relation every arm in every unit. What is invalid without the rest of an
    arm or trial is left out; the loader has judged each value.
    """
    trainable = load_trainable(study.source)
    if study.relation is not None:
        for unit_settings in settings_in_units(study):
            yield resolve(trainable, unit_settings, study.recipe, study.scale)
        return
    base = study.settings
    blocks: list[Block] = [{}]
    varied = [[{name: value} for value in p.choice or p.bounds[:1]] for name, p in (study.search or {}).items()]
    if study.ablation is not None:
        base, blocks = {**base, **study.ablation.baseline}, block_list(study.ablation.blocks)
        varied = levels_of(study.ablation)
    first = {name: value for levels in varied for name, value in levels[0].items()}
    alone = [{}, first, *(level for levels in varied for level in levels)]
    for block, settings in itertools.product(blocks, alone):
        try:
            yield resolve(trainable, {**base, **settings, **settings_of(block)}, study.recipe, study.scale)
        except ValueError:
            continue


def levels_of(ablation: Ablation) -> list[list[dict[str, Any]]]:
    """The settings of each level of every factor."""
    return [[settings_at(ablation, name, level) for level in levels] for name, levels in ablation.factors.items()]
