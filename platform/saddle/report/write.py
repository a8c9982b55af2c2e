"""The report of a study in a storage: what is read for it, where it lies, and writing it there."""

from __future__ import annotations

from saddle.analyse.evaluation.sample_pairs import study_on_samples
from saddle.analyse.study_results import StudyResults
from saddle.report.html import render
from saddle.report.markdown import render_markdown
from saddle.report.study_report import StudyReport
from saddle.report.study_sections.samples import MOST_PAIRS
from saddle.store.base import Store
from saddle.store.open import study_folder
from saddle.trial.run_id import RunId


def report_path(run: RunId) -> str:
    """The report's path in the store."""
    return f"{study_folder(run)}/report.html"


def write_report(store: Store, results: StudyResults) -> str:
    """Render the report of what the ledger holds and store it; returns where."""
    path = report_path(results.run)
    store.write(path, page_of(store, results).encode())
    return store.locate(path)


def page_of(store: Store, results: StudyResults) -> str:
    """The report as an HTML page."""
    return render(report_of(store, results))


def markdown_of(store: Store, results: StudyResults) -> str:
    """The report as Markdown."""
    return render_markdown(report_of(store, results))


def report_of(store: Store, results: StudyResults) -> StudyReport:
    """What a report is made from, with images and predictions from the store."""
    return StudyReport(results, study_on_samples(results, store, MOST_PAIRS), store.read)
