"""The exception and the line that a failed trial's reason names."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from saddle.trial.failure import Failure, failure_of

SCRIPT = """
import json

def inner(text):
    return json.loads(text)

def train():
    try:
        inner("nonsense")
    except ValueError as error:
        raise RuntimeError("the file is wrong\\nand long") from error
"""


def reason_of(folder: Path, source: str = SCRIPT) -> str:
    """The traceback that `train` of this source ends with."""
    file = folder / "train.py"
    file.write_text(source)
    names: dict[str, object] = {}
    exec(compile(source, str(file), "exec"), names)
    try:
        names["train"]()  # type: ignore[operator]
    except Exception as error:
        return "".join(traceback.format_exception(error))
    raise AssertionError


def test_the_last_exception_and_the_users_own_line_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert failure_of(reason_of(tmp_path)) == Failure("RuntimeError", str(tmp_path / "train.py"), 11)
    assert failure_of(reason_of(tmp_path)).place == "train.py:11"


def test_a_librarys_line_is_not_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    source = SCRIPT.replace("    try:\n        inner", "    inner").partition("    except")[0]
    failure = failure_of(reason_of(tmp_path, source))
    assert (failure.kind, failure.line) == ("json.decoder.JSONDecodeError", 5)
    assert failure.place == f"{tmp_path}/train.py:5".removeprefix("/")
    monkeypatch.chdir("/usr")
    assert failure.place == f"{tmp_path.name}/train.py:5", "elsewhere its folder and name"


def test_the_traceback_of_a_program_is_read_from_the_end_of_its_output() -> None:
    why = (
        'Traceback (most recent call last):\n  File "/x/trainables/own_loop/program.py", line 59, in __iter__\n'
        "trainables.own_loop.program.ProgramFailed: the program ended with exit code 1; its output ends with\n"
        'epoch 1\nTraceback (most recent call last):\n  File "/x/train.py", line 3, in <module>\n    1 / 0\n'
        "ZeroDivisionError: division by zero"
    )
    assert failure_of(why) == Failure("ZeroDivisionError", "/x/train.py", 3)


def test_without_a_traceback_there_is_no_place() -> None:
    failure = failure_of("the worker died 4 times, the last time of signal 9")
    assert (failure.place, failure.is_of_code) == ("", False)
    assert failure_of("") == Failure("")
