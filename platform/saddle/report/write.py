"""The report of a study in a storage: what is read for it, its path, and writing it."""

from __future__ import annotations

from saddle.analyse.evaluation.sample_pairs import study_on_samples
from saddle.analyse.study_results import StudyResults
from saddle.report.html import render
from saddle.report.markdown import render_markdown
from saddle.report.study_report import StudyReport
from saddle.report.study_sections.samples import MOST_PAIRS
from saddle.report.summary import write_summary
from saddle.store.base import Store
from saddle.store.open import study_folder
from saddle.store.parallel import in_parallel
from saddle.store.run_files.notes import read_notes
from saddle.store.run_files.trial_output import outputs_of, read_output
from saddle.trial.outcome import FAILURES
from saddle.trial.run_id import RunId

MOST_PRINTED = 40
"""Failed trials whose output is in the report, as many as have their reasons there."""
PRINTED_CHARACTERS = 8_000
"""The part of an output that the report shows; `saddle logs` shows what is stored of it."""


def report_path(run: RunId) -> str:
    """The report's path in the store."""
    return f"{study_folder(run)}/report.html"


def write_report(store: Store, results: StudyResults) -> str:
    """Render the report from the ledger and store it, and the summary that lists show; returns where the report is."""
    path = report_path(results.run)
    store.write(path, page_of(store, results).encode())
    write_summary(store, results)
    return store.locate(path)


def page_of(store: Store, results: StudyResults) -> str:
    """The report as an HTML page."""
    return render(report_of(store, results))


def markdown_of(store: Store, results: StudyResults) -> str:
    """The report as Markdown."""
    return render_markdown(report_of(store, results))


def report_of(store: Store, results: StudyResults) -> StudyReport:
    """What a report is made from, with images and predictions from the store."""
    samples = study_on_samples(results, store, MOST_PAIRS)
    printed, notes = printed_by_troubled(store, results), read_notes(store, results.run)
    return StudyReport(results, samples, store.read, printed, notes)


def printed_by_troubled(store: Store, results: StudyResults) -> dict[str, str]:
    """The end of the output of each failed trial, for the first few."""
    failed = [record for record in results.comparable if record.outcome in FAILURES][:MOST_PRINTED]
    texts = in_parallel(store, lambda record: _printed(store, results.run, record.key), failed)
    return {record.key: text for record, text in zip(failed, texts, strict=True) if text}


def _printed(store: Store, run: RunId, key: str) -> str:
    """The end of a trial's latest outputs, a heading for each if there are several."""
    outputs = outputs_of(store, run, key)
    texts = [(output, read_output(store, output)) for output in outputs if output.started == outputs[-1].started]
    parts = [f"{output.heading}:\n{text}" if len(texts) > 1 else text for output, text in texts]
    whole = "\n".join(parts)
    return whole if len(whole) <= PRINTED_CHARACTERS else f"…{whole[-PRINTED_CHARACTERS:].partition(chr(10))[2]}"
