"""Words that somebody wrote are shown, and do nothing to the terminal."""

from __future__ import annotations

import ast
import io
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from saddle.cli.output import tables
from saddle.cli.output.errors import tell
from saddle.cli.output.terminal import LogWriter, echo, visible, visible_line, visible_log
from saddle.errors import UserError

CLI = Path(__file__).parents[4] / "platform/saddle/cli"
EVIL = "\x1b]0;title\x07\x1b[2J\x9b31m\rover\b\u202eabc\u2066\x7f"
DOES_SOMETHING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\ud800-\udfff]")


@given(st.text())
def test_nothing_that_commands_the_terminal_is_left(text: str) -> None:
    assert DOES_SOMETHING.search(visible(text)) is None
    assert visible(visible(text)) == visible(text)
    assert "\n" not in visible_line(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=100))
def test_words_of_any_language_stay(text: str) -> None:
    assert visible(text) == text or "***" in visible(text)


def test_what_is_written_out_is_still_told_apart() -> None:
    assert visible("a\x1b[31m\u202eb\r\nc\td\udcff") == "a\\x1b[31m\\u202eb\nc\td\\udcff"
    assert visible("at http://u:hidden@h") == "at http://u:***@h"


def test_every_way_of_printing_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    echo(EVIL)
    echo(EVIL, err=True)
    tell(UserError(EVIL))
    tables.say(EVIL)
    tables.print_table((EVIL, "b"), [(EVIL, {EVIL: [EVIL]})], title=EVIL)
    tables.print_table(("a",), [(EVIL,)] * (tables.MANY + 1))
    said = capsys.readouterr()
    assert DOES_SOMETHING.search(said.out + said.err) is None
    assert "title" in said.out


def test_the_running_line_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from saddle.archive.progress import Progress
    from saddle.cli.output import display, printed_lines

    said = io.StringIO()
    monkeypatch.setattr(printed_lines, "console", lambda: Console(file=said, force_terminal=False, width=400))
    progress = Progress("s", "q", 2, 1, metric="m")
    progress.running[EVIL] = 1
    shown = printed_lines.PrintedLines()
    shown.changed(progress, f"{EVIL}\nforged line")
    assert DOES_SOMETHING.search(said.getvalue()) is None
    assert "\\nforged line" in said.getvalue()
    assert DOES_SOMETHING.search(visible_line(display.status_line(progress))) is None


class TestLogs:
    def test_colours_go_and_overwritten_lines_stay(self) -> None:
        assert visible_log("\x1b[36m(Slot)\x1b[0m 10 %\r20 %\r\n\x1b[2J") == "(Slot) 10 %\n20 %\n\\x1b[2J"

    def test_a_secret_cut_in_two_is_hidden_still(self) -> None:
        said: list[str] = []
        log = LogWriter(said.append)
        for piece in ("at postgresql://u:hid", "den@h/d\nand pass", "word=hidden"):
            log.write(piece)
        log.close()
        assert "".join(said) == "at postgresql://u:***@h/d\nand password=***"


def test_nothing_is_printed_past_it() -> None:
    """JSON, CSV and the schema are for programs and printed as they are; all else goes through `terminal`."""
    allowed = {("tables.py", "print"), ("schema.py", "print"), ("terminal.py", "typer.echo")}
    found = {
        (path.name, ast.unparse(node.func))
        for path in CLI.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "typer.echo", "typer.secho", "click.echo")
    }
    assert found <= allowed


def test_json_and_csv_stay_exact(capsys: pytest.CaptureFixture[str]) -> None:
    import csv
    import json

    tables.print_json({"label": EVIL})
    assert json.loads(capsys.readouterr().out) == {"label": EVIL}
    tables.print_csv([{"label": "=1+1", "other": "\x1b[2J"}])
    assert list(csv.DictReader(io.StringIO(capsys.readouterr().out))) == [{"label": "=1+1", "other": "\x1b[2J"}]
    assert sys.stdout is not None
