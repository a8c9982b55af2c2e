"""What a person sees of a study while it runs and when it ends."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from saddle.cli.output.tables import print_table, say
from saddle.cli.output.terminal import echo, visible_line
from saddle.cli.paths import command, short, storage_option

if TYPE_CHECKING:
    from saddle.archive.lookup import FoundTrial
    from saddle.archive.progress import Progress
    from saddle.archive.study_status import StudyState
    from saddle.cli.output.live_display import LiveDisplay
    from saddle.cli.output.printed_lines import PrintedLines
    from saddle.execute.driver import EndedStudy
    from saddle.study.models import Study


def duration(seconds: float | None) -> str:
    """Seconds as reports write them, if they are known."""
    from saddle.analyse.text import formatting

    return "unknown time" if seconds is None else formatting.duration(seconds)


def state_line(state: StudyState) -> str:
    """A stored study's state in a line: `quickstart-search: running, 3/12 trials (3 completed); best …`."""
    from saddle.analyse.text.formatting import listed

    progress = state.progress
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in progress.outcomes.items())
    parts = [f"{progress.study}: {progress.state}", trials_done(progress) + (f" ({outcomes})" if outcomes else "")]
    if progress.no_best:
        parts.append(f"no best trial: {progress.no_best}")
    elif progress.best is not None:
        parts.append(f"best {progress.metric} {progress.best:.3f} ({progress.best_trial})")
    if state.flagged:
        key, reasons = next(iter(state.flagged.items()))
        more = f" and {len(state.flagged) - 1} more" if len(state.flagged) > 1 else ""
        parts.append(f"flagged: {key}, which {listed(reasons)}{more}")
    if state.history.is_extended:
        parts.append(f"seeds added after a look: {state.history.text}")
    if state.added_later:
        parts.append(f"arms added later: {listed(state.added_later)}")
    if state.running:
        parts += [f"{duration(progress.seconds_left)} left"] if progress.seconds_left is not None else []
        parts.append(under_way(progress))
    if progress.exhausted and progress.state != "running":
        parts.append(progress.exhausted)
    if progress.why:
        parts.append(progress.why)
    if state.notes:
        latest = state.notes[-1]
        more = f" ({len(state.notes)} notes)" if len(state.notes) > 1 else ""
        parts.append(f"noted of {latest.about}: {visible_line(latest.line)}{more}")
    if state.host is not None:
        parts.append(f"driven from {state.host}")
    return " · ".join(parts)


def status_line(progress: Progress) -> str:
    """The line that keeps changing: trials done, best so far, time left, what runs."""
    best = best_so_far(progress) or "no result yet"
    remaining = f"{duration(progress.seconds_left)} left" if progress.seconds_left is not None else "time left unknown"
    return " · ".join((trials_done(progress), best, remaining, under_way(progress)))


def best_so_far(progress: Progress) -> str:
    """`best so far 0.516`, or that trials completed and none is called the best; empty before one has."""
    if progress.best is None:
        return ""
    return "no best trial so far" if progress.no_best else f"best so far {progress.best:.3f}"


def trials_done(progress: Progress) -> str:
    """`3/12 trials`."""
    return f"{progress.done}/{progress.total} trials" if progress.total is not None else f"{progress.done} trials"


def under_way(progress: Progress) -> str:
    """Which trials run, and the epoch each has reached, and what others wait for."""
    if starting := workers_starting(progress):
        return starting
    epochs = {key: epoch for key, epoch in progress.running.items() if epoch or not progress.waiting}
    running = ", ".join(f"{key} epoch {epoch}" for key, epoch in epochs.items())
    parts = [progress.waiting] if progress.waiting else []
    return " · ".join([*parts, f"running {running}"] if running else parts or ["starting"])


def display(study: Study) -> LiveDisplay | PrintedLines:
    """What shows a run of the study: a table that keeps changing on a terminal, lines anywhere else."""
    from saddle.cli.output.live_display import LiveDisplay
    from saddle.cli.output.printed_lines import PrintedLines

    say()
    say(study.study, style="bold")
    say(study.question)
    return LiveDisplay() if sys.stdout.isatty() else PrintedLines()


def done_before(progress: Progress) -> str:
    """What runs before this one have done, as a line; empty if there were none."""
    earlier = progress.done - progress.fresh
    if not earlier:
        return ""
    remaining = (
        "nothing is left to train" if earlier == progress.total
        else f"{progress.exhausted}, so nothing new starts" if progress.exhausted
        else "continuing"
    )  # fmt: skip
    return f"{trials_done(replace(progress, done=earlier))} were done before; {remaining}"


def event_line(progress: Progress, event: str) -> str:
    """What happened, after how many trials have ended: `[3/10] trial-00002 …`."""
    position = f"[{progress.done}/{progress.total}]" if progress.total is not None else f"[{progress.done}]"
    return f"  {position} {visible_line(event)}"


def workers_starting(progress: Progress) -> str:
    """`starting 2 workers` while no running trial has a worker yet; empty afterwards."""
    trials = progress.details.values()
    if not trials or any(trial.begun for trial in trials) or progress.waiting:
        return ""
    expected = progress.slots if progress.total is None else min(progress.slots, progress.total - progress.done)
    count = max(expected, len(trials))
    return f"starting {count} worker{'s' * (count != 1)}"


def note_doubt(trial: FoundTrial) -> None:
    """Say on standard error if the trial that was taken as the best of its study is not called the best."""
    if trial.doubt:
        echo(f"note: {trial.name} is one of several equally good trials. {trial.doubt}", err=True)


def conclude(result: EndedStudy) -> None:
    """Print the answer in a sentence, the table, and where report and MLflow page are."""
    if result.interrupted:
        return
    say()
    say(result.answer.sentence, style="bold")
    print_table(result.answer.columns, result.answer.rows)
    if result.answer.block_rows:
        print_table(result.answer.block_columns, result.answer.block_rows, title="in single blocks")
    for warning in result.answer.warnings:
        say(f"note: {warning}", indent=2)
    if result.answer.conditional:
        say(f"note: {result.answer.conditional}", indent=2)
    say(f"report: {short(result.report)}", indent=2)
    say(f"MLflow: {command('ui', result.study.study, *storage_option(result.storage))}", indent=2)
    if result.undelivered:
        say(
            f"{result.undelivered}; they are sent when the study is run again, or by saddle ui",
            style="yellow",
            indent=2,
        )
