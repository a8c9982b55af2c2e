"""What is shown of a run on a terminal: a line for every trial that ended, above a table that keeps changing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from saddle.cli.output.display import done_before, duration, event_line, trials_done, workers_starting
from saddle.cli.output.tables import console
from saddle.cli.output.terminal import visible_line

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from saddle.archive.progress import Progress

MOST_RUNNING = 8
"""Running trials that have a row; of further ones only the number is shown."""
BAR = 28
COLOURS = {
    "completed": "green",
    "pruned": "cyan",
    "collapsed": "yellow",
    "diverged": "yellow",
    "failed": "red",
    "timed_out": "red",
}
"""Of outcomes."""


class LiveDisplay:
    """A listener (see `saddle.execute.progress`) that redraws four times a second while the study runs."""

    def __init__(self) -> None:
        from rich.live import Live

        self._console = console()
        self._progress: Progress | None = None
        self._start = time.monotonic()
        self._starting_since: float | None = None
        self._live: Live | None = Live(
            get_renderable=self._render, console=self._console, refresh_per_second=4, transient=True
        )
        self._live.start()

    def changed(self, progress: Progress, event: str | None) -> None:
        """Show the current state, and print what happened above it."""
        from rich.text import Text

        first = self._progress is None
        self._progress = deepcopy(progress)  # drawn by another thread, while ours continues
        if not workers_starting(progress):
            self._starting_since = None
        elif self._starting_since is None:
            self._starting_since = time.monotonic()
        if first and (earlier := done_before(progress)):
            self._console.print(f"  {earlier}")
        if event is not None:
            self._console.print(Text(event_line(progress, event)))
        if progress.state != "running" and self._live is not None:
            self._live.stop()
            self._live = None

    def _render(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        if self._progress is None:
            return Text(f"  preparing, {duration(time.monotonic() - self._start)}", style="yellow")
        waited = None if self._starting_since is None else time.monotonic() - self._starting_since
        return Group(*live_parts(self._progress, waited))


def live_parts(progress: Progress, waited: float | None = None) -> Iterator[RenderableType]:
    """The bar, the running trials and the best ones; `waited` seconds for the workers that start."""
    from rich.padding import Padding
    from rich.text import Text

    yield Padding(bar_line(progress), (1, 0, 0, 2))
    if progress.waiting:
        yield Padding(Text(visible_line(progress.waiting), style="yellow"), (0, 0, 0, 2))
    starting = workers_starting(progress)
    if starting:
        since = "" if waited is None else f", {duration(waited)}"
        yield Padding(Text(f"{starting}{since}", style="yellow"), (0, 0, 0, 2))
    elif progress.running:
        yield Padding(running_table(progress), (0, 0, 0, 2))
    if progress.no_best:
        yield Padding(Text("no best trial so far", style="dim"), (0, 0, 0, 2))
    elif progress.leaders:
        yield Padding(best_table(progress), (0, 0, 0, 2))


def bar_line(progress: Progress) -> RenderableType:
    """How much is done, by outcome, and the time left."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    seconds_left = progress.seconds_left
    outlook = "time left unknown" if seconds_left is None else f"{duration(seconds_left)} left"
    cells: list[Any] = [Text(trials_done(progress), style="bold"), Text(outlook), outcomes_text(progress)]
    grid = Table.grid(padding=(0, 2))
    if progress.total:
        cells.insert(0, ProgressBar(progress.total, progress.done, width=BAR, finished_style="green"))
        grid.add_column(width=BAR)
    grid.add_row(*cells)
    return grid


def outcomes_text(progress: Progress) -> Text:
    """`5 completed, 1 pruned`, each in its colour."""
    from rich.text import Text

    parts = [(f"{count} {outcome}", COLOURS.get(outcome, "")) for outcome, count in progress.outcomes.items()]
    return Text(", ").join(Text(words, style=style) for words, style in parts)


def running_table(progress: Progress) -> RenderableType:
    """A row for each running trial: the epoch it has reached, and its latest value."""
    from rich.text import Text

    table = _table("running", "epoch", visible_line(progress.metric))
    keys = list(progress.running)
    for key in keys[:MOST_RUNNING]:
        epoch, trial = progress.running[key], progress.details.get(key)
        of = f"/{trial.epochs}" if trial is not None and trial.epochs else ""
        has_begun = trial is None or trial.begun
        value = f"{trial.value:.3f}" if trial is not None and trial.value is not None else ""
        name = Text(visible_line(key if trial is None else trial.name))
        table.add_row(name, Text(f"{epoch}{of}" if has_begun else "starting"), Text(value))
    if len(keys) > MOST_RUNNING:
        table.add_row(Text(f"and {len(keys) - MOST_RUNNING} more"))
    return table


def best_table(progress: Progress) -> RenderableType:
    """The best trials so far, the best first."""
    from rich.text import Text

    table = _table("best so far", "", visible_line(progress.metric))
    for place, leader in enumerate(progress.leaders, start=1):
        style = "bold green" if place == 1 else ""
        table.add_row(Text(visible_line(leader.name), style=style), "", Text(f"{leader.value:.3f}", style=style))
    return table


def _table(*names: str) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    for place, name in enumerate(names):
        table.add_column(
            Text(name), justify="left" if place == 0 else "right", min_width=(26, 8, 8)[place], no_wrap=True
        )
    return table


@contextlib.contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say on a terminal what is waited for, and for how long already, until the block ends; elsewhere nothing."""
    out = console()
    if not out.is_terminal:
        yield
        return
    from rich.live import Live
    from rich.text import Text

    start = time.monotonic()

    def line() -> Text:
        return Text(f"{what}, {duration(time.monotonic() - start)}", style="yellow")

    with Live(get_renderable=line, console=out, refresh_per_second=4, transient=True):
        yield
