"""The page of all studies."""

from __future__ import annotations

from collections.abc import Mapping

from saddle.serve.pages.render import render_page, render_regions
from saddle.serve.watched.storage import WatchedStorage

REGIONS = ("studies", "nights", "aside")


def index_regions(storage: WatchedStorage) -> Mapping[str, str]:
    """The parts of the page that change."""
    return render_regions("index_regions.html", REGIONS, storage=storage)


def index_page(storage: WatchedStorage, where: str) -> str:
    """The whole page; `where` is what the storage is called."""
    return render_page("index.html", title="Studies", events="/events", storage=where, regions=index_regions(storage))
