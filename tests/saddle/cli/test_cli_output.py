"""What every command prints: help with an example that parses, JSON and nothing else, tables that fit."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from collections import Counter

import pytest
import typer

from saddle.cli.app import app
from saddle.cli.output import tables
from saddle.cli.output.display import duration
from saddle.cli.output.tables import print_table, shown
from tests.support.infra_commands import arguments_of, parse_by
from tests.support.waiting import PROCESS_SECONDS

pytestmark = pytest.mark.long

GROUP = typer.main.get_command(app)
GROUPS = ("data", "nightly")
COMMANDS = [
    *((name,) for name in GROUP.commands if name not in GROUPS),  # type: ignore[attr-defined]
    *((group, name) for group in GROUPS for name in GROUP.commands[group].commands),  # type: ignore[attr-defined]
]
HEAVY = ("torch", "ray", "mlflow", "optuna", "scipy", "sklearn", "pandas", "pyarrow", "matplotlib")


def parse(line: str) -> None:
    """Parse a `saddle …` command line without running it; raises `WrongCall`."""
    parse_by(GROUP, arguments_of(line))


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example_that_parses(saddle, names: tuple[str, ...]) -> None:
    result = saddle(*names, "--help")
    assert result.exit_code == 0
    [example] = [line for line in result.stdout.splitlines() if "Example: " in line]
    command = example.partition("Example: ")[2].strip()
    assert command.startswith(" ".join(("saddle", *names)))
    parse(command)


def test_help_is_quick_because_it_imports_little() -> None:
    """Prints a ratio against Python's own start; a time would depend on the machine."""
    code = f"""
import sys
from saddle.cli.app import app
try:
    app(["--help"])
finally:
    print("heavy:", *[name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True, timeout=PROCESS_SECONDS)
    bare = time.perf_counter() - begun
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PROCESS_SECONDS)
    taken = time.perf_counter() - begun
    print(f"saddle --help: {taken:.2f} s, {taken / bare:.0f} times Python's own start")
    assert done.returncode == 0
    assert "quickstart" in done.stdout
    assert done.stderr.split() == ["heavy:"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("results", "top"),
        ("results", "troubles"),
        ("status", "top"),
        ("studies",),
        ("plan", "FILE"),
        ("evaluate", "digits"),
        ("trainables",),
        ("schema",),
        ("data", "list"),
        ("data", "stats", "digits"),
    ],
    ids=" ".join,
)
def test_json_is_all_there_is(saddle, finished, arguments: tuple[str, ...]) -> None:
    words = [finished.file if word == "FILE" else word for word in arguments]
    stored = () if words[0] in ("trainables", "schema", "data") else ("--storage", finished.storage)
    result = saddle(*words, *stored, *(() if words[0] == "schema" else ("--json",)))
    assert result.exit_code == 0
    json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is not a JSON"))
    assert result.stderr == ""


def test_csv_has_a_column_for_every_parameter_and_metric(saddle, finished) -> None:
    result = saddle("results", "digits", "--storage", finished.storage, "--csv")
    [row] = csv.DictReader(io.StringIO(result.stdout))
    assert json.loads(row["params.attacks"]) == ["pgd"]
    assert float(row["metrics.test/clean_accuracy"]) <= 1
    assert row["outcome"] == "completed"


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize(
    "arguments",
    [("results", "top"), ("results", "troubles"), ("studies",), ("trainables",), ("data", "list")],
    ids=" ".join,
)
def test_tables_fit_the_terminal(saddle, finished, monkeypatch, arguments: tuple[str, ...], width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    stored = ("--storage", finished.storage) if arguments[0] in ("results", "studies") else ()
    lines = saddle(*arguments, *stored).stdout.splitlines()
    rules = [number for number, line in enumerate(lines) if "───" in line]
    assert rules
    for number in rules:
        assert len(lines[number].rstrip()) <= width
    if arguments == ("results", "troubles"):
        keys = [line for line in lines if line.startswith(" trouble-")]
        assert len(keys) == 9, "a row of its own for every trial, none folded"


@pytest.mark.parametrize("width", range(40, 160, 7))
def test_no_terminal_is_too_narrow_for_the_last_column(monkeypatch, capsys, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    columns = ("arm", "seeds", "test robust accuracy (worst case)", "p (sign flips)", "verdict")
    row = ("mta", "0 of 3 (3 diverged)", "45.6 % ± 3.7", "−10.4 to +2.6", "no difference shown")
    assert print_table(columns, [row, row]) == ()
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= width
    letters = Counter("".join(printed.split()))
    assert not Counter("".join("".join((*columns, *row, *row)).split())) - letters, "nothing is cut off"


@pytest.mark.parametrize("why", ["", "two\nlines", "x" * 200, "\x1b[2J"])
@pytest.mark.parametrize("title", [None, "study"])
def test_many_rows_are_printed_as_few_are(monkeypatch, capsys, why: str, title: str | None) -> None:
    columns = ("trial", "outcome", "value", "text", "last")
    rows = [
        (f"t{i}", "世界" if i % 3 else "completed", i / 7 if i % 5 else None, "y" * (i % 30), why if i == 7 else "ä")
        for i in range(20)
    ]
    printed = []
    for many in (0, 1000):
        monkeypatch.setattr(tables, "MANY", many)
        assert print_table(columns, rows, title=title) == ()
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert len(printed[0].splitlines()) >= 23


def test_columns_may_be_left_out_where_there_is_no_room(monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert print_table(("a" * 20, "b" * 20, "c" * 20), [("x", 1, 2.0)], optional=2) == ("b" * 20, "c" * 20)
    assert "c" * 20 not in capsys.readouterr().out


def test_a_reader_that_leaves_early_is_no_error(finished) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "saddle.cli", "results", "top", "--json", "--storage", finished.storage]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=PROCESS_SECONDS)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_values_are_shown_short() -> None:
    assert [shown(value) for value in (None, True, 0.123456, [1, 2], {"a": 1.0}, "x")] == [
        "–", "yes", "0.1235", "1, 2", "a=1", "x"
    ]  # fmt: skip
    assert [duration(seconds) for seconds in (None, 3.2, 200, 7500)] == [
        "unknown time", "3.2 s", "3 min 20 s", "2 h 05 min"
    ]  # fmt: skip


def test_every_command_takes_a_storage() -> None:
    import typer

    from saddle.cli.app import app

    def commands(group):
        for command in group.commands.values():
            yield from commands(command) if hasattr(command, "commands") else [command]

    lacking = [c.name for c in commands(typer.main.get_command(app)) if "storage" not in {p.name for p in c.params}]
    assert lacking == []
