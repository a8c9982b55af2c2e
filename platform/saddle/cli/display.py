"""What a person sees of a study while it runs and when it ends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saddle.cli.tables import console, print_table

if TYPE_CHECKING:
    from saddle.execute.driver import StudyResult
    from saddle.execute.progress import Progress
    from saddle.study.models import Study


def duration(seconds: float | None) -> str:
    """Seconds as `40 s`, `3 min 20 s` or `2 h 5 min`."""
    if seconds is None:
        return "unknown"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def status_line(progress: Progress) -> str:
    """Trials done, best so far, time left."""
    total = f"/{progress.total}" if progress.total is not None else ""
    best = (
        f"best {progress.metric} {progress.best:.3f} ({progress.best_trial})"
        if progress.best is not None
        else "no result yet"
    )
    running = ", ".join(f"{key} epoch {epoch}" for key, epoch in progress.running.items()) or "starting"
    left = duration(progress.seconds_left)
    return f"{progress.done}{total} trials done · {best} · time left {left} · running: {running}"


class Display:
    """A line for every trial that ends; on a terminal, a status line that keeps changing below them."""

    def __init__(self, study: Study) -> None:
        self._console = console()
        self._console.print(f"\n[bold]{study.study}[/bold]  {study.question}")
        self._live: Any = None
        if sys.stdout.isatty():
            from rich.live import Live

            self._live = Live(console=self._console, refresh_per_second=4, transient=True)
            self._live.start()

    def changed(self, progress: Progress, event: str | None) -> None:
        from rich.text import Text

        if event is not None:
            done = f"[{progress.done}/{progress.total}]" if progress.total is not None else f"[{progress.done}]"
            line = f"  {done} {event}"
            if self._live is None and progress.seconds_left is not None:
                best = f"; best so far {progress.best:.3f}" if progress.best is not None else ""
                line += f"{best}; {duration(progress.seconds_left)} left"
            self._console.print(Text(line))
        if self._live is not None:
            if progress.state == "running":
                self._live.update(Text("  " + status_line(progress)))
            else:
                self._live.stop()
                self._live = None


def display(study: Study) -> Display:
    """The display of one study."""
    return Display(study)


def conclude(result: StudyResult) -> None:
    """Print the answer in a sentence, the table, and where report and MLflow page are."""
    from rich.text import Text

    out = console()
    if result.interrupted:
        return
    out.print()
    out.print(Text(result.answer.sentence, style="bold"))
    print_table(result.answer.columns, result.answer.rows)
    for warning in result.answer.warnings:
        out.print(Text(f"  note: {warning}"))
    out.print(Text(f"  report: {_short(result.report)}"))
    out.print(Text(f"  MLflow: saddle ui {result.study.study}" + _storage_option(result)))
    if result.undelivered:
        out.print(Text(f"  {result.undelivered}; they are sent when the study is run again", style="yellow"))


def _short(path: Path) -> str:
    """The path from here, where it lies below."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _storage_option(result: StudyResult) -> str:
    storage = result.report.parents[2]
    return "" if storage == Path.cwd() / "runs" else f" --storage {_short(storage)}"
