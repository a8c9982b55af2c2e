"""The report of a study as one HTML page without scripts or anything to fetch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata, resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from saddle.analyse.answering import answer_study, arms_of_study
from saddle.analyse.best import trial_order, value_of
from saddle.analyse.importance import drawn
from saddle.analyse.result import Answer
from saddle.analyse.verdict import Verdict
from saddle.analyse.wording import Scale, duration, label, setting
from saddle.report import facts
from saddle.report.gallery import gallery
from saddle.report.plates import ablation_plates, count_line, illustrated, search_plates
from saddle.store.entry import Entry
from saddle.study.models import Study


def render(
    study: Study,
    entries: Sequence[Entry],
    *,
    trainable: Any,
    baseline: Mapping[str, Any] | None = None,
    read: Callable[[str], bytes] | None = None,
    command: str | None = None,
    study_file: str | None = None,
) -> str:
    """The page's HTML.

    `baseline` is the settled one of an ablation; `read` fetches images from the store; `command` and `study_file`
    replace what "how to reproduce" would otherwise show, which is `saddle run` on the study as it was resolved.
    """
    entries = sorted(entries, key=trial_order)
    answer = answer_study(study, trainable, entries, baseline)
    if study.ablation is not None:
        plates = ablation_plates(study, entries, arms_of_study(study, baseline), answer, trainable)
    else:
        plates = search_plates(study, entries, answer, trainable)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["svg"] = Markup  # ours, made from escaped text
    page = environment.from_string(_file("template.html"))
    return page.render(
        css=Markup(_file("style.css")),
        study=study,
        kind="search" if study.ablation is None else "ablation",
        answer=answer,
        tone=tone(answer),
        table=table_cells(answer),
        plates=plates,
        pictures=gallery(illustrated(study, entries, answer, trainable), read),
        endings=facts.endings(entries),
        troubles=facts.troubles(entries),
        trials=trial_table(study, entries, answer),
        sources=facts.settings_by_source(entries),
        fingerprints=facts.fingerprints(entries),
        counts=count_line(study, entries),
        seconds=duration(sum(entry.seconds for entry in entries)),
        command=command or f"saddle run {study.study}.yaml",
        study_file=_study_file(study) if study_file is None else study_file,
        version=metadata.version("saddle"),
        written=time.strftime("%Y-%m-%d %H:%M"),
    )


def tone(answer: Answer) -> str:
    """The colour of the answer: good, bad, mixed, or plain where nothing is shown."""
    verdicts = {effect.verdict for effect in answer.effects}
    good, bad = Verdict.HELPS in verdicts, Verdict.HURTS in verdicts
    return "mixed" if good and bad else "good" if good else "bad" if bad else "plain"


def table_cells(answer: Answer) -> list[list[tuple[str, str]]]:
    """The answer's rows as (text, class): numbers are set right, verdicts in their colour."""
    words = {str(verdict): str(verdict).replace(" ", "-") for verdict in Verdict}
    return [
        [(cell, f"verdict {words[word]}" if (word := cell.partition(":")[0]) in words and index else looks(index, cell))
         for index, cell in enumerate(row)]
        for row in answer.rows
    ]  # fmt: skip


def looks(index: int, cell: str) -> str:
    """The class of a table cell: names are set left, long values may wrap."""
    return "name" if index == 0 else "value wrap" if "(" in cell or len(cell) > 24 else "value"


def trial_table(study: Study, entries: Sequence[Entry], answer: Answer) -> tuple[list[str], list[list[str]]]:
    """All trials with their outcome, the metric asked about, what was varied, and how long they took."""
    varied = list(study.search or (study.ablation.factors if study.ablation else {}))
    metrics = [objective.metric for objective in study.objective or ()] or [answer.metric]
    first = "trial" if study.ablation is None else "replicate"
    head = [first, "outcome", *(label(metric) for metric in metrics), *varied, "epochs", "time"]
    rows = []
    for entry in entries:
        given = drawn(study, entry) if study.search else {**entry.params, **entry.settings}
        rows.append(
            [
                facts.name_of(entry).removeprefix("trial "),
                str(entry.outcome),
                *(Scale.of(metric).value(value_of(entry, metric)) for metric in metrics),
                *(setting(given[name]) if name in given else "–" for name in varied),
                str(entry.epochs),
                duration(entry.seconds),
            ]
        )
    return head, rows


def _file(name: str) -> str:
    return resources.files("saddle.report").joinpath(name).read_text(encoding="utf-8")


def _study_file(study: Study) -> str:
    from saddle.study.loader import dump_study

    return dump_study(study)
