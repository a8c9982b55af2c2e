"""The tools of `saddle mcp`: each reads a storage and returns what the command of the same purpose prints as JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from saddle.archive.lookup import find_studies
from saddle.archive.overview import read_overview
from saddle.archive.rows import study_rows
from saddle.archive.studies import run_names
from saddle.archive.study_status import read_state, with_stored
from saddle.cli.logs import logs_as_plain
from saddle.cli.verdict import judge_study
from saddle.errors import UserError
from saddle.store.base import Store

LONGEST_TEXT = 200_000
"""Characters of a report that are returned: a longer one is cut and says so; of a log, its last ones."""
MOST_ROWS = 200
"""Trials that one answer returns."""


@dataclass(frozen=True)
class StudyTools:
    """Reads the studies of one storage; no method writes anything, and none loads a study's code."""

    store: Store

    def list_studies(self) -> dict[str, Any]:
        """All stored studies: their question, kind, state, and how many of their trials are done."""
        return {"studies": [read_overview(self.store, name).facts() for name in run_names(self.store)]}

    def study_status(self, study: str) -> dict[str, Any]:
        """How far a study is: trials done, outcomes, best so far, seconds left, and why it stopped if it did."""
        studies = find_studies(self.store, study)
        states = [with_stored(read_state(self.store, stored.run), self.store, stored).facts() for stored in studies]
        return {"studies": states}

    def study_answer(self, study: str) -> dict[str, Any]:
        """The answer to a study's question in a sentence, with the notes that limit what it means."""
        answers = [(stored.run.name, stored.study.question, stored.read_results(self.store).answer)
                   for stored in find_studies(self.store, study)]  # fmt: skip
        return {
            "answers": [
                {"study": name, "question": question, "answer": answer.sentence, "notes": list(answer.warnings)}
                for name, question, answer in answers
            ]
        }

    def study_verdicts(self, study: str, expect: str | None = None, arm: str | None = None) -> dict[str, Any]:
        """The verdict of each arm of an ablation, or of a relation: the word, difference, interval, p and n.

        With `expect`, such as `helps`, also whether each is `as expected`, `not as expected` or `unsettled`.
        """
        return judge_study(self.store, study, expect, arm).as_plain()

    def study_results(self, study: str, offset: int = 0) -> dict[str, Any]:
        """The finished trials of a study, 200 at a time from `offset` on: outcome, settings, metrics, seconds."""
        if offset < 0:
            raise UserError(f"offset {offset} is below zero")
        rows = [row for stored in find_studies(self.store, study) for row in study_rows(self.store, stored)]
        return {"total": len(rows), "offset": offset, "trials": rows[offset : offset + MOST_ROWS]}

    def study_report(self, study: str) -> dict[str, Any]:
        """The report of a study as Markdown."""
        from saddle.report.write import markdown_of

        texts = [markdown_of(self.store, stored.read_results(self.store)) for stored in find_studies(self.store, study)]
        text = "\n".join(texts)
        return {"markdown": text[:LONGEST_TEXT], "cut": len(text) > LONGEST_TEXT}

    def trial_logs(self, study: str, trial: str) -> dict[str, Any]:
        """What a trial of a study printed, by attempt and rank, and why it failed if it did."""
        logs = logs_as_plain(self.store, study, trial)
        for part in (part for log in logs for part in log["parts"]):
            part["text"] = part["text"][-LONGEST_TEXT:]
        return {"logs": logs}

    @property
    def all(self) -> list[Callable[..., dict[str, Any]]]:
        """The tools in the order in which they are listed."""
        return [
            self.list_studies, self.study_status, self.study_answer, self.study_verdicts, self.study_results,
            self.study_report, self.trial_logs,
        ]  # fmt: skip


def description_of(tool: Callable[..., Any]) -> str:
    """What a tool does, as its client sees it."""
    return " ".join((tool.__doc__ or "").split())
