"""Where a study's report lies, and writing it there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saddle.report.html import render
from saddle.store.base import Store
from saddle.store.entry import Entry
from saddle.store.opening import study_folder
from saddle.study.models import Study


def report_path(study: str) -> str:
    """The report's path in the store."""
    return f"{study_folder(study)}/report.html"


def write_report(
    store: Store, study: Study, trainable: Any, entries: Sequence[Entry], baseline: Mapping[str, Any] | None
) -> str:
    """Render the report of what the ledger holds and store it; returns where."""
    content = render(study, entries, trainable=trainable, baseline=baseline, read=store.read)
    store.write(report_path(study.study), content.encode())
    return store.locate(report_path(study.study))
