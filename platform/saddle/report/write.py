"""The report of a study in a storage: what is read for it, where it lies, and writing it there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saddle.analyse.sample_pairs import study_on_samples
from saddle.report.html import render
from saddle.report.markdown import render_markdown
from saddle.report.samples import MOST_PAIRS
from saddle.report.study_report import gather
from saddle.store.base import Store
from saddle.store.open import study_folder
from saddle.study.declarations import Declarations
from saddle.study.models import Study
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId


def report_path(run: RunId) -> str:
    """The report's path in the store."""
    return f"{study_folder(run)}/report.html"


def write_report(
    store: Store,
    run: RunId,
    study: Study,
    declared: Declarations,
    entries: Sequence[TrialRecord],
    baseline: Mapping[str, Any] | None,
) -> str:
    """Render the report of what the ledger holds and store it; returns where."""
    content = page_of(store, run, study, declared, entries, baseline)
    store.write(report_path(run), content.encode())
    return store.locate(report_path(run))


def page_of(
    store: Store,
    run: RunId,
    study: Study,
    declared: Declarations,
    entries: Sequence[TrialRecord],
    baseline: Mapping[str, Any] | None,
) -> str:
    """The page's HTML, with images and predictions from the store."""
    samples = study_on_samples(study, declared, entries, baseline, store, MOST_PAIRS)
    return render(study, entries, run=run, declared=declared, baseline=baseline, read=store.read, samples=samples)


def markdown_of(
    store: Store,
    run: RunId,
    study: Study,
    declared: Declarations,
    entries: Sequence[TrialRecord],
    baseline: Mapping[str, Any] | None,
) -> str:
    """The report as Markdown, with predictions from the store."""
    samples = study_on_samples(study, declared, entries, baseline, store, MOST_PAIRS)
    found = gather(study, entries, run=run, declared=declared, baseline=baseline, samples=samples, read=store.read)
    return render_markdown(found)
