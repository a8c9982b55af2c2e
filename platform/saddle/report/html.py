"""The report of a study as one HTML page without scripts or anything to fetch."""

from __future__ import annotations

from collections.abc import Callable

from saddle.analyse.result import Answer
from saddle.analyse.sample_pairs import StudyOnSamples
from saddle.analyse.study_results import StudyResults
from saddle.analyse.verdict import Verdict
from saddle.report.figure_selection import illustrated, plates_of
from saddle.report.gallery import gallery
from saddle.report.page import render_page
from saddle.report.study_report import gather


def render(
    results: StudyResults,
    *,
    read: Callable[[str], bytes] | None = None,
    samples: StudyOnSamples | None = None,
    command: str | None = None,
    study_file: str | None = None,
) -> str:
    """The page's HTML; `read` fetches images and arrays from the store, the other options are those of `gather`."""
    contents = gather(results, samples=samples, command=command, study_file=study_file, read=read)
    return render_page(
        "study.html",
        title=contents.run.name,
        it=contents,
        tone=tone(contents.answer),
        plates=plates_of(results),
        pictures=gallery(illustrated(results), read),
    )


def tone(answer: Answer) -> str:
    """The colour of the answer: good, bad, mixed, or plain where nothing is shown."""
    verdicts = {effect.verdict for effect in answer.effects}
    good, bad = Verdict.HELPS in verdicts, bool(verdicts & {Verdict.HURTS, Verdict.FAILS})
    return "mixed" if good and bad else "good" if good else "bad" if bad else "plain"
