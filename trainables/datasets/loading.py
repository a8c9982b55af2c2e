"""From a description of a dataset to its tensors."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from trainables.datasets.config import KnownDataset, known_facts, parse_spec
from trainables.datasets.dataset import Dataset
from trainables.datasets.errors import DataError
from trainables.datasets.idx_sets import IDX_SETS
from trainables.datasets.registry import KNOWN, Facts
from trainables.datasets.root import data_root

PART = " (part)"
"""What the name of a known dataset ends in where not all of its images are there."""


def load(spec: Any, root: str | os.PathLike[str] | None = None) -> Dataset:
    """Load a dataset: a known name, `{known: NAME, size: N}`, `{folder: PATH}`, `{parquet: {train: PATH, test: PATH}}`.

    Each form takes a `tile: N` to cut large images into tiles; see `trainables.datasets.tiles`.

    What must be decoded or resized comes from the node's cache; see `trainables.datasets.cache`. One's own may lie on
    S3. A known dataset of which not all images are there says so in its name.

    `root`: the data root of the known ones; see `data_root` for what counts without it.
    Raises `DataError` for what is absent, corrupt or inconsistent.
    """
    parsed = parse_spec(spec)
    if isinstance(parsed, str):
        parsed = KnownDataset(known=parsed)
    if isinstance(parsed, KnownDataset):
        return _load_known(parsed, root)
    from trainables.datasets.cache import load_cached

    return load_cached(parsed)


def _load_known(spec: KnownDataset, root: str | os.PathLike[str] | None) -> Dataset:
    plain = spec.size is None and spec.tile is None
    if plain and spec.known == "digits":
        from trainables.datasets.bundled import load_digits

        return load_digits()
    if plain and spec.known in IDX_SETS:
        from trainables.datasets.idx_loading import load_idx_set

        return load_idx_set(spec.known, data_root(root))
    from trainables.datasets.cache import load_cached

    facts = KNOWN[spec.known]
    if plain and facts.resized:
        spec = spec.model_copy(update={"size": facts.shape[1:]})
    if spec.tile is None and facts.tile is not None:
        spec = spec.model_copy(update={"tile": facts.tile})
    dataset = load_cached(spec, data_root(root))
    wanted = known_facts(spec)
    assert wanted is not None
    if dataset.shape != wanted.shape:
        raise DataError(
            f"the images of {spec.known} in {data_root(root)} are of shape {dataset.shape}, not {wanted.shape}"
        )
    if _is_whole(spec, facts, dataset, root):
        return dataset
    part = replace(dataset, name=spec.known + PART)
    vars(part)["fingerprint"] = dataset.fingerprint  # of the contents, not of the name
    return part


def _is_whole(spec: KnownDataset, facts: Facts, dataset: Dataset, root: str | os.PathLike[str] | None) -> bool:
    """Whether all images are there; of what was cut, only the files know how many there were."""
    if spec.tile is None:
        return (len(dataset.train), len(dataset.test)) == facts.stored
    from trainables.datasets.availability import look

    found = look(spec.known, data_root(root))
    return found is not None and found.complete(spec.known)
