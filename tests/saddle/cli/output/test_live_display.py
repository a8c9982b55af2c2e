"""What a terminal shows of a run, and what a log has of it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console, Group

from saddle.archive.progress import Leader, Progress, RunningTrial
from saddle.cli.output import live_display, printed_lines
from saddle.cli.output.live_display import LiveDisplay, live_parts
from saddle.cli.output.printed_lines import HEARTBEAT, PrintedLines

EVIL = "[red]evil[/red]\x1b[2J"


def running() -> Progress:
    return Progress(
        "s", "q", 10, 2, 3, {"completed": 2, "failed": 1}, {"a": 4, "b": 0}, metric="validation/score", fresh=3,
        seconds=40.0, best=0.9, best_trial="z",
        details={"a": RunningTrial(f"first {EVIL}", 20, 0.71, begun=True), "b": RunningTrial("second", 20)},
        leaders=[Leader("z", "the best", 0.9), Leader("y", "the next", 0.8), Leader("x", "the third", 0.7)],
    )  # fmt: skip


def starting() -> Progress:
    return Progress("s", "q", 10, 2, running={"a": 0, "b": 0}, details={"a": RunningTrial("a"), "b": RunningTrial("b")})


def drawn(progress: Progress, waited: float | None = None, width: int = 100, colour: bool = False) -> str:
    out = Console(file=io.StringIO(), width=width, force_terminal=colour, color_system="standard" if colour else None)
    out.print(Group(*live_parts(progress, waited)))
    text: str = out.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_a_terminal_shows_a_bar_what_runs_and_the_best_three() -> None:
    lines = drawn(running()).splitlines()
    assert any("━" in line and "3/10 trials" in line and "1 min 00 s left" in line for line in lines)
    assert any("2 completed, 1 failed" in line for line in lines)
    [first] = [line for line in lines if "first" in line]
    assert first.split()[-2:] == ["4/20", "0.710"]
    [second] = [line for line in lines if "second" in line]
    assert second.split() == ["second", "starting"]
    best = [line.split()[-1] for line in lines if "the " in line]
    assert best == ["0.900", "0.800", "0.700"]


def test_outcomes_have_colours_where_there_are_any() -> None:
    assert "\x1b[31m1 failed" in drawn(running(), colour=True)
    assert "\x1b" not in drawn(running())


def test_a_trials_name_is_neither_markup_nor_a_command() -> None:
    shown = drawn(running(), colour=True)
    assert "[red]evil[/red]\\x1b[2J" in shown
    assert "\x1b[2J" not in shown


def test_that_workers_start_is_said_with_the_time() -> None:
    assert "starting 2 workers, 12 s" in drawn(starting(), 12.0)
    begun = starting()
    begun.details["a"].begun = True
    assert "workers" not in drawn(begun, None)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_fits_the_terminal(width: int) -> None:
    assert max(map(len, drawn(running(), width=width).splitlines())) <= width


def test_nothing_is_called_the_best_where_nothing_is() -> None:
    progress = running()
    progress.no_best = "all are alike"
    assert "the best" not in drawn(progress).replace("no best trial so far", "")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    file = io.StringIO()
    monkeypatch.setattr(printed_lines, "console", lambda: Console(file=file, width=160))
    return file


def test_a_log_has_a_line_a_trial_and_one_now_and_then(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(printed_lines.time, "monotonic", lambda: now)
    lines = PrintedLines()
    lines.changed(starting(), None)
    lines.changed(starting(), None)
    assert log.getvalue() == "  starting 2 workers\n", "said once"
    lines.changed(running(), "z: completed")
    lines.changed(running(), None)
    assert log.getvalue().splitlines()[1:] == ["  [3/10] z: completed; best so far 0.900; 1 min 00 s left"]
    now += HEARTBEAT + 1
    lines.changed(running(), None)
    lines.changed(running(), None)
    [heartbeat] = log.getvalue().splitlines()[2:]
    assert heartbeat.startswith("  3/10 trials · best so far 0.900 · 1 min 00 s left · running a epoch 4")


def test_a_run_leaves_its_lines_and_no_table_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(
        live_display, "console", lambda: Console(file=file, width=100, force_terminal=True, color_system=None)
    )
    display = LiveDisplay()
    display.changed(running(), "z: completed")
    ended = running()
    ended.state = "finished"
    display.changed(ended, None)
    shown = file.getvalue()
    assert "[3/10] z: completed" in shown
    assert shown.endswith("\x1b[2K"), "the table is erased"
