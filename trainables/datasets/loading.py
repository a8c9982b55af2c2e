"""From a description of a dataset to its tensors."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from trainables.datasets.config import FolderDataset, NamedDataset, ParquetDataset, known_facts, parse_spec
from trainables.datasets.dataset import Dataset
from trainables.datasets.errors import DataError
from trainables.datasets.known_dataset import PART, KnownDataset
from trainables.datasets.registry import KNOWN
from trainables.datasets.root import data_root
from trainables.datasets.transformations.transformation import Transformation
from trainables.datasets.transformations.transformed_dataset import transformed


def load(spec: Any, root: str | os.PathLike[str] | None = None) -> Dataset:
    """Load a dataset: a known name, `{known: NAME, size: N}`, `{folder: PATH}`, `{parquet: {train: PATH, test: PATH}}`.

    Each form takes a `tile: N` to cut large images into tiles; see `trainables.datasets.decoding.tiles`, and a
    `transformation: {contrast: 0.5}` of what was loaded; see `trainables.datasets.transformations`.

    What must be decoded or resized comes from the node's cache; see `trainables.datasets.cache.node_cache`. Own files
    may be on S3. A known dataset of which not all images are there has a name that shows it.

    `root`: the data root of the known ones; see `data_root` for the default.
    Raises `DataError` for what is absent, corrupt or inconsistent.
    """
    parsed = parse_spec(spec)
    if isinstance(parsed, str):
        parsed = NamedDataset(known=parsed)
    if parsed.transformation is not None:
        return _load_transformed(parsed, parsed.transformation, root)
    if isinstance(parsed, NamedDataset):
        return _load_known(parsed, root)
    from trainables.datasets.cache.node_cache import load_cached

    return load_cached(parsed)


def _load_transformed(
    spec: NamedDataset | FolderDataset | ParquetDataset,
    transformation: Transformation,
    root: str | os.PathLike[str] | None,
) -> Dataset:
    plain = spec.model_copy(update={"transformation": None})
    if transformation.separation == 1:
        return transformed(load(plain, root), transformation)
    plainly_named = isinstance(plain, NamedDataset) and plain == NamedDataset(known=plain.known)
    draw = KNOWN[plain.known].draw if isinstance(plain, NamedDataset) and plainly_named else None
    if draw is None:
        raise DataError("separation is only for synthetic_shapes in their own size; leave it out")
    return transformed(draw(transformation.separation), transformation)


def _load_known(spec: NamedDataset, root: str | os.PathLike[str] | None) -> Dataset:
    plain = spec.size is None and spec.tile is None
    known = KNOWN[spec.known]
    if plain and known.load is not None:
        return known.load(data_root(root))
    from trainables.datasets.cache.node_cache import load_cached

    facts = known.facts
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
    if _is_whole(spec, known, dataset, root):
        return dataset
    part = replace(dataset, name=spec.known + PART)
    vars(part)["fingerprint"] = dataset.fingerprint  # from the contents, not the name
    return part


def _is_whole(spec: NamedDataset, known: KnownDataset, dataset: Dataset, root: str | os.PathLike[str] | None) -> bool:
    """Whether all images are there; after cutting, only the files show how many there were."""
    if spec.tile is None:
        return (len(dataset.train), len(dataset.test)) == known.facts.stored
    from trainables.datasets.availability import look

    availability = look(spec.known, data_root(root))
    return availability is not None and availability.complete(spec.known)
