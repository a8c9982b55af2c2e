"""The training data: dataset, size of its images, auxiliary tasks. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from trainables.contract import Config, hyperparameter
from trainables.datasets.config import DatasetSpec
from trainables.datasets.draws import declare_split_seed, declare_test_subset

TaskLabels = dict[str, int | str]
"""Class name or index → label, with `default` for the rest; empty for a named task.

Where a key could be both, it is `name 2` or `index 2`.
"""


def _tasks(value: Any) -> Any:
    if isinstance(value, str):
        value = [value]
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list | tuple):
        return value
    tasks: dict[str, Any] = {}
    for entry in value:
        named = {entry: {}} if isinstance(entry, str) else entry
        if not isinstance(named, Mapping):
            raise ValueError(f"a task is a name or {{name: {{class: label, default: label}}}}, not {entry!r}")
        for name, labels in named.items():
            if str(name) in tasks:
                raise ValueError(f"task {str(name)!r} is given twice")
            tasks[str(name)] = _by_text(str(name), labels) if isinstance(labels, Mapping) else labels or {}
    return tasks


def _by_text(task: str, labels: Mapping[Any, Any]) -> dict[str, Any]:
    """The labels by class as text; raises `ValueError` if two keys are the same text, such as 1 and "1"."""
    texts = {str(key): label for key, label in labels.items()}
    if len(texts) < len(labels):
        twice = next(text for text in texts if sum(str(key) == text for key in labels) > 1)
        raise ValueError(f"task {task!r} gives class {twice} twice; keep one of them")
    return texts


Tasks = Annotated[
    dict[str, TaskLabels],
    BeforeValidator(_tasks, json_schema_input_type=list[str | dict[str, TaskLabels]] | dict[str, TaskLabels]),
]


class DataSettings(Config):
    """The data of a trial."""

    dataset: DatasetSpec = hyperparameter(
        "digits",
        source="assumed",
        description=(
            "A known name, such as mnist (`saddle data list` has them), {folder: PATH} or "
            "{parquet: {train: …, test: …}}."
        ),
    )
    image_size: int | None = hyperparameter(
        None,
        source="assumed",
        unit="pixels",
        ge=4,
        le=4096,
        description=(
            "Resize images to N × N pixels (bilinear, antialiased when shrinking); null: keep their size, or take "
            "the dataset's."
        ),
    )
    tasks: Tasks = hyperparameter(
        {},
        source="assumed",
        description=(
            "Auxiliary tasks: names (`saddle data tasks` lists them) or mappings {NAME: {CLASS: label, default: "
            "label}}."
        ),
    )
    train_size: int | None = hyperparameter(
        None,
        source="paper",
        unit="images",
        ge=1,
        description="Train on at most this many images (stratified); null: all.",
    )
    test_size: int | None = hyperparameter(
        None,
        source="paper",
        unit="images",
        ge=1,
        description="Test on at most this many images (stratified); null: all.",
    )
    test_subset: int = declare_test_subset()
    split_seed: int = declare_split_seed()
    validation_fraction: float = hyperparameter(
        0.1,
        source="assumed",
        gt=0,
        le=0.5,
        description="Held-out part of the training split, as a share of train_size; the same for every seed and arm.",
    )
    folds: int | None = hyperparameter(
        None,
        source="assumed",
        ge=2,
        le=100,
        description=(
            "Number of folds that train_size training images are cut into, of which one is held out: k-fold "
            "cross-validation, with blocks: {fold: [0, 1, …]}; null: validation_fraction is held out."
        ),
    )
    fold: int = hyperparameter(
        0,
        source="assumed",
        ge=0,
        le=99,
        description="Index of the fold that is held out, from 0; every image is in one fold.",
    )
    augmentation: Literal["none", "crop", "crop_flip"] = hyperparameter(
        "none",
        source="assumed",
        description="Augmentation of training images: none, a random crop after padding by an eighth, or that "
        "with random mirroring.",
    )
    augmix: bool = hyperparameter(
        False,
        source="assumed",
        description=(
            "Mix each training image with chains of random operations on it (AugMix: Hendrycks et al., 2020), after "
            "the augmentation."
        ),
    )
    augmix_severity: float = hyperparameter(
        3.0, source="customary", ge=0, le=10, description="Severity of augmix operations; 10 is the maximum."
    )
    augmix_width: int = hyperparameter(
        3, source="customary", ge=1, le=10, description="Number of chains that augmix mixes."
    )
    augmix_depth: int = hyperparameter(
        0,
        source="customary",
        ge=0,
        le=10,
        description="Number of operations in a chain; 0: one to three, drawn for each chain.",
    )
    jsd_weight: float = hyperparameter(
        12.0,
        source="customary",
        ge=0,
        le=1_000,
        description=(
            "Weight of the Jensen-Shannon divergence between the predictions of the image and two mixes of it; 0: "
            "none, and a mix takes the image's place."
        ),
    )
