"""Stored studies, ready to be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike

from saddle.analyse.study_comparison import StudyView, view_of
from saddle.archive.lookup import find_studies
from saddle.archive.study_url import open_named
from saddle.errors import NotFound
from saddle.report.cited_trials import illustrated
from saddle.study.nearest import nearest


def load_views(
    names: Sequence[str], storage: str | PathLike[str] | None = None, metric: str | None = None
) -> list[StudyView]:
    """The studies of the names, in their order; a file may have several.

    Raises `NotFound` for a study that isn't there, or a metric that none of its trials has.
    """
    views: list[StudyView] = []
    for address in names:
        store, name = open_named(address, storage)
        for stored in find_studies(store, name):
            results = stored.read_results(store)
            entries = results.records
            if metric is not None and entries and not any(metric in entry.metrics for entry in entries):
                metrics = list(dict.fromkeys(name for entry in entries for name in entry.metrics))
                near = nearest(metric, metrics)
                hint = f"did you mean {near}?" if near else f"there are: {', '.join(metrics)}"
                raise NotFound(f"no trial of {stored.run} has the metric {metric!r}; {hint}")
            view = view_of(results, metric)
            views.append(replace(view, illustrated=illustrated(results), read=store.read))
    return views
