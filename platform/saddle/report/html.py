"""The report of a study as one HTML page without scripts or anything to fetch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from saddle.analyse.answer_study import arms_of_study
from saddle.analyse.result import Answer
from saddle.analyse.sample_pairs import StudyOnSamples
from saddle.analyse.verdict import Verdict
from saddle.report.figure_selection import ablation_plates, illustrated, search_plates
from saddle.report.figures.canvas import LazyFigure
from saddle.report.gallery import gallery
from saddle.report.page import render_page
from saddle.report.study_report import Contents, gather
from saddle.study.declarations import Declarations
from saddle.study.models import Study
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId


def render(
    study: Study,
    entries: Sequence[TrialRecord],
    *,
    declared: Declarations,
    baseline: Mapping[str, Any] | None = None,
    read: Callable[[str], bytes] | None = None,
    samples: StudyOnSamples | None = None,
    command: str | None = None,
    study_file: str | None = None,
    run: RunId | None = None,
) -> str:
    """The page's HTML; `read` fetches images and arrays from the store, the other options are those of `gather`."""
    contents = gather(
        study,
        entries,
        declared=declared,
        baseline=baseline,
        samples=samples,
        command=command,
        study_file=study_file,
        run=run,
        read=read,
    )
    return render_page(
        "study.html",
        title=contents.run.name,
        it=contents,
        tone=tone(contents.answer),
        plates=plates_of(contents, declared, baseline),
        pictures=gallery(illustrated(study, contents.entries, contents.answer, declared), read),
    )


def plates_of(contents: Contents, declared: Declarations, baseline: Mapping[str, Any] | None) -> list[LazyFigure]:
    """The figures of either kind of study."""
    study, entries, answer = contents.study, contents.entries, contents.answer
    if study.ablation is None:
        return search_plates(study, entries, answer, declared)
    return ablation_plates(study, entries, arms_of_study(study, baseline), answer, declared)


def tone(answer: Answer) -> str:
    """The colour of the answer: good, bad, mixed, or plain where nothing is shown."""
    verdicts = {effect.verdict for effect in answer.effects}
    good, bad = Verdict.HELPS in verdicts, bool(verdicts & {Verdict.HURTS, Verdict.FAILS})
    return "mixed" if good and bad else "good" if good else "bad" if bad else "plain"
