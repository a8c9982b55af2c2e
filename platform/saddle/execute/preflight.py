"""What can be known to fail is found before anything starts."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from saddle.archive.studies import read_study, refuse_changes
from saddle.design.blocks import Block, block_list, settings_of
from saddle.design.components import settings_at
from saddle.execute.preparing import find_baseline
from saddle.execute.shapes import slots_for
from saddle.store.base import Store
from saddle.store.lock import driver_of, hold_study
from saddle.study.models import Ablation, Study
from saddle.study.trainables import load_trainable
from saddle.trial.run_id import RunId
from trainables.contract import InProcessRun, Resolved, resolve
from trainables.datasets.config import FolderDataset, ParquetDataset, known_name
from trainables.datasets.errors import DataNotFoundError
from trainables.datasets.presence import how_to_get, is_present
from trainables.datasets.root import data_root as find_root


@dataclass
class CheckingRun(InProcessRun):
    """A run that loads every dataset once, however many configurations are checked against it."""

    loaded: dict[str, Any] = field(default_factory=dict)

    def data(self, name: Any) -> Any:
        if repr(name) not in self.loaded:
            self.loaded[repr(name)] = super().data(name)
        return self.loaded[repr(name)]


def check_studies(studies: Sequence[Study], store: Store, *, fresh: bool = False, here: bool = True) -> None:
    """Raise what running the studies would raise, as far as storage and resources can tell it.

    Resources are checked only where trials run `here`, on this machine. Raises `StudyChanged`, `NothingToBuildOn`,
    `DoesNotFit`, `SharedDatabaseError`, or `StorageError` where another driver runs one.
    """
    if any(study.search is not None for study in studies):
        check_shared_database()
    check_stored(studies, store, fresh=fresh)
    if here and not connected():
        for study in studies:
            slots_for(study, local_resources())


def check_stored(studies: Sequence[Study], store: Store, *, fresh: bool = False) -> None:
    """Raise what the storage has against running the studies: other settings, no baseline, another driver."""
    names = [study.study for study in studies]
    for position, study in enumerate(studies):
        refuse_second_driver(store, RunId(study.study))
        stored = read_study(store, study.study)
        if stored is not None and not fresh:
            refuse_changes(stored, study)
        if study.ablation is not None and study.ablation.best_of not in names[:position]:
            find_baseline(study, store)


def check_shared_database() -> None:
    """Raise `SharedDatabaseError` where Optuna's database is named and can't be used."""
    from saddle.search.shared import open_shared, shared_url

    url = shared_url()
    if url is not None:
        open_shared(url).close()


def refuse_second_driver(store: Store, run: RunId) -> None:
    """Raise `StorageError` where another process trains the run."""
    if driver_of(store, run) is not None:
        with hold_study(store, run):  # raises, naming the process, unless it has ended in between
            pass


def connected() -> bool:
    """Whether this process uses a Ray cluster already, whose resources are not this machine's."""
    if "ray" not in sys.modules:
        return False
    import ray

    return bool(ray.is_initialized())


def local_resources() -> list[dict[str, float]]:
    """The resources Ray will find on this machine, as those of one node; in a container, what it may use."""
    from ray._private.accelerators import get_accelerator_manager_for_resource
    from ray._private.utils import get_num_cpus

    gpus = get_accelerator_manager_for_resource("GPU").get_current_node_num_accelerators()
    return [{"CPU": float(get_num_cpus(override_docker_cpu_warning=True)), "GPU": float(gpus)}]


def check_data(studies: Sequence[Study], data_root: str | None) -> None:
    """Open every dataset the studies name, and let their trainables check it against each configuration.

    Raises `trainables.datasets.DataError` saying which file is absent or corrupt and what to do.
    """
    if data_root is not None and not Path(data_root).expanduser().is_dir():
        raise DataNotFoundError(f"the data root {data_root} is no folder; `saddle data fetch NAME` makes and fills one")
    run = CheckingRun(data_root=data_root)
    for study in studies:
        trainable = load_trainable(study.trainable)
        check = getattr(trainable, "check", None)
        for config in configs(study):
            if check is not None:
                check(config, run)
            elif hasattr(config, "dataset"):
                run.data(config.dataset)


def absent_data(studies: Sequence[Study], data_root: str | None) -> list[str]:
    """Which datasets the studies name that aren't on this machine, and how to get them; opens none."""
    root = find_root(data_root)
    named = [getattr(config, "dataset", None) for study in studies for config in configs(study)]
    found = []
    for dataset in {repr(name): name for name in named}.values():
        known = known_name(dataset)
        if known is not None and not is_present(known, root):
            found.append(how_to_get(known, root))
        for path in own_paths(dataset):
            # what is on S3 is looked at by whoever loads it: a plan asks nobody
            if not path.startswith("s3://") and not Path(path).expanduser().exists():
                found.append(f"the dataset's {path} does not exist")
    return found


def own_paths(dataset: Any) -> list[str]:
    """Where data of one's own lies."""
    if isinstance(dataset, FolderDataset):
        return [dataset.folder]
    return [dataset.parquet.train, dataset.parquet.test] if isinstance(dataset, ParquetDataset) else []


def configs(study: Study) -> Iterator[Any]:
    """The valid configurations among the study's own and those of its levels and choices (see `resolutions`)."""
    return (resolved.config for resolved in resolutions(study))


def resolutions(study: Study) -> Iterator[Resolved]:
    """The study's settings completed: alone, with all first levels or choices, and with each of them by itself.

    All of that in every block. What is invalid without the rest of an arm or trial is left out; the loader has judged
    each value.
    """
    trainable = load_trainable(study.trainable)
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
