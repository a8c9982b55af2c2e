"""From a description of a dataset to its tensors."""

from __future__ import annotations

import os
from typing import Any

from trainables.datasets.config import KnownDataset, known_facts, parse_spec
from trainables.datasets.dataset import Dataset
from trainables.datasets.errors import DataError
from trainables.datasets.facts import KNOWN
from trainables.datasets.idx_sets import IDX_SETS
from trainables.datasets.root import data_root

PART = " (part)"
"""What the name of a known dataset ends in where not all of its images are there."""


def load(spec: Any, root: str | os.PathLike[str] | None = None) -> Dataset:
    """Load a dataset: a known name, `{known: NAME, size: N}`, `{folder: PATH}`, `{parquet: {train: PATH, test: PATH}}`.

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
    if spec.size is None and spec.known == "digits":
        from trainables.datasets.bundled import load_digits

        return load_digits()
    if spec.size is None and spec.known in IDX_SETS:
        from trainables.datasets.idx_loading import load_idx_set

        return load_idx_set(spec.known, data_root(root))
    from trainables.datasets.cache import load_cached

    facts = KNOWN[spec.known]
    if spec.size is None and facts.resized:
        spec = spec.model_copy(update={"size": facts.shape[1:]})
    dataset = load_cached(spec, data_root(root))
    wanted = known_facts(spec)
    assert wanted is not None
    if dataset.shape != wanted.shape:
        raise DataError(
            f"the images of {spec.known} in {data_root(root)} are of shape {dataset.shape}, not {wanted.shape}"
        )
    if (len(dataset.train), len(dataset.test)) == (facts.train, facts.test):
        return dataset
    part = Dataset(spec.known + PART, dataset.classes, dataset.train, dataset.test)
    vars(part)["fingerprint"] = dataset.fingerprint  # of the contents, not of the name
    return part
