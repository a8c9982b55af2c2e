"""The identity of a dataset, which changes with its files, without reading them. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from trainables.datasets.config import NamedDataset, dataset_of, parse_spec
from trainables.datasets.finding import find_source
from trainables.datasets.root import data_root


def identity_of(spec: Any, root: str | os.PathLike[str] | None = None) -> tuple[str, ...]:
    """The description of a dataset, and path, size and times of each of its files (of S3: address and ETag).

    `root`: the data root of the known ones; see `data_root`. Raises `DataError` if the files aren't there.
    """
    parsed = parse_spec(spec)
    if isinstance(parsed, str):
        parsed = NamedDataset(known=parsed)
    source = find_source(parsed, data_root(root))
    files = (f"{role} {file.identity}" for role, file in source.files)
    return (parsed.model_dump_json(exclude_none=True), *files)


def data_identity(configs: Iterable[Any], data_root: str | os.PathLike[str] | None = None) -> list[str]:
    """What changes with the data of configurations: the identities of their datasets, each computed once."""
    specs = {repr(spec): spec for spec in map(dataset_of, configs)}
    return sorted({part for spec in specs.values() for part in identity_of(spec, data_root)})
