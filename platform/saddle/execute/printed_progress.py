"""What a script or notebook that runs a function sees of it: a line a trial, then the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saddle.archive.progress import Progress

if TYPE_CHECKING:
    from saddle.execute.driver import EndedStudy


class PrintedProgress:
    """A listener that prints what happens."""

    def changed(self, progress: Progress, event: str | None) -> None:
        if event:
            print(event, flush=True)


def print_answer(ended: EndedStudy) -> None:
    """Print the answer, what to be careful about, and where the report is."""
    print(f"\n{ended.answer.sentence}")
    for warning in ended.answer.warnings:
        print(f"  note: {warning}")
    print(f"  report: {ended.report}", flush=True)
