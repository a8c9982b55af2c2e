"""What can be known to fail is found before anything starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from saddle.study.models import Study
from saddle.study.trainables import load_trainable
from trainables.contract import InProcessRun, resolve
from trainables.datasets.config import KNOWN, FolderDataset, ParquetDataset
from trainables.datasets.errors import DataNotFoundError
from trainables.datasets.presence import is_present
from trainables.datasets.root import data_root as find_root


@dataclass
class CheckingRun(InProcessRun):
    """A run that loads every dataset once, however many configurations are checked against it."""

    loaded: dict[str, Any] = field(default_factory=dict)

    def data(self, name: Any) -> Any:
        if repr(name) not in self.loaded:
            self.loaded[repr(name)] = super().data(name)
        return self.loaded[repr(name)]


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
        if isinstance(dataset, str) and dataset in KNOWN and not is_present(dataset, root):
            found.append(f"{dataset} is not in {root}; get it with: saddle data fetch {dataset}")
        for path in own_paths(dataset):
            if not Path(path).expanduser().exists():
                found.append(f"the dataset's {path} does not exist")
    return found


def own_paths(dataset: Any) -> list[str]:
    """Where data of one's own lies."""
    if isinstance(dataset, FolderDataset):
        return [dataset.folder]
    return [dataset.parquet.train, dataset.parquet.test] if isinstance(dataset, ParquetDataset) else []


def configs(study: Study) -> Iterator[Any]:
    """The study's configuration, and those with each level of its factors and each choice of its search."""
    trainable = load_trainable(study.trainable)
    base = study.settings
    varied = {name: list(parameter.choice or ()) for name, parameter in (study.search or {}).items()}
    if study.ablation is not None:
        base = {**base, **study.ablation.baseline}
        varied = {name: list(levels) for name, levels in study.ablation.factors.items()}
    for settings in [base, *({**base, name: level} for name, levels in varied.items() for level in levels)]:
        try:
            yield resolve(trainable, settings, study.recipe, study.scale).config
        except ValueError:
            continue  # values that exclude each other without the rest of an arm or trial; the loader judged the whole
