"""The nightlies of a storage, and the pages that they have written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from saddle.errors import NotFound
from saddle.nightly.storage import NIGHTLY, NightlyStorage
from saddle.store.base import Store
from saddle.trial.run_id import MARK, STUDIES, RunId

WRITTEN = re.compile(r"index\.(html|json)|feed\.xml|nights/[0-9-]{10}[^/]{0,20}/report\.html")
"""The files of a nightly that are pages."""
TYPES = {"html": "text/html", "json": "application/json", "xml": "application/atom+xml"}


@dataclass(frozen=True)
class WatchedNightly:
    """A nightly: its study, how many nights it has, and the latest one with result."""

    study: str
    nights: int
    latest: str = ""
    word: str = ""


def read_nightlies(store: Store) -> Sequence[WatchedNightly]:
    """The nightlies of the storage; what one came to is empty if its latest night is running or can't be read."""
    suffix = f"{MARK}{NIGHTLY}"
    names = [name.removesuffix(suffix) for name in store.names(STUDIES) if name.endswith(suffix)]
    return [_nightly(NightlyStorage(store, name)) for name in names if RunId.is_name(name)]


def _nightly(storage: NightlyStorage) -> WatchedNightly:
    dates = storage.dates()
    if not dates:
        return WatchedNightly(storage.study, 0)
    decision = storage.decision(dates[-1])
    return WatchedNightly(storage.study, len(dates), dates[-1], "" if decision is None else decision.kind)


def read_page(store: Store, study: str, path: str) -> tuple[bytes, str]:
    """A page that a nightly has written, and its media type; raises `NotFound` for anything else of its folder."""
    if RunId.is_name(study) and WRITTEN.fullmatch(path):
        content = NightlyStorage(store, study).read(*path.split("/"))
        if content is not None:
            return content, TYPES[path.rpartition(".")[2]]
    raise NotFound(f"the nights of {study!r} have no page {path!r}")
