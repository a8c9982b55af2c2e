"""What a trial prints, however it does, is kept with it, and a warm worker tells its trials apart."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from saddle.execute.worker import output_capture
from saddle.execute.worker.output_capture import Capture, capture_output, keeping_output
from saddle.store.local import LocalStore
from saddle.store.run_files.trial_output import HEAD_BYTES, TAIL_BYTES, outputs_of, read_output
from saddle.trial.messages import EndMessage, EpochMessage, Message
from saddle.trial.run_id import RunId
from tests.support.waiting import wait_until

RUN = RunId("s", "inst")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


def texts(store: Path, key: str = "t") -> list[str]:
    """What is kept of a trial, an output each."""
    return [read_output(LocalStore(store), output) for output in outputs_of(LocalStore(store), RUN, key)]


def show_warning(message: Any, category: Any, filename: str, line: int, *rest: Any) -> None:
    """As Python does it where pytest does not collect warnings."""
    sys.stderr.write(warnings.formatwarning(message, category, filename, line))


def warn() -> None:
    warnings.warn("the learning rate is large", stacklevel=2)


def print_in_every_way(word: str) -> None:
    print(word, "by Python")
    sys.stderr.write(f"{word} on standard error\n")
    ctypes.CDLL(None).puts(f"{word} by C".encode())
    subprocess.run([sys.executable, "-c", f"print('{word} by a program')"], check=True)
    warn()


@pytest.mark.filterwarnings("default")
def test_all_that_is_printed_is_kept_with_its_trial(
    make_start: Any, tmp_path: Path, raw: Path, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warnings, "showwarning", show_warning)
    print("before")
    for key in ("one", "two"):
        with capture_output(make_start(key), folder=raw):
            print_in_every_way(key)
    print("after")
    for key, other in (("one", "two"), ("two", "one")):
        [text] = texts(tmp_path, key)
        for way in ("by Python", "on standard error", "by C", "by a program"):
            assert f"{key} {way}\n" in text
        assert "UserWarning: the learning rate is large" in text, "also where an earlier trial was shown it"
        assert other not in text
    assert capfd.readouterr().out == "before\nafter\n"
    assert not list(raw.iterdir())


def test_an_output_is_bounded_and_its_middle_takes_no_room(
    make_start: Any, tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_capture, "KEEP_SECONDS", 0.05)
    with capture_output(make_start(), folder=raw) as capture:
        os.write(1, b"the beginning\n")
        for _ in range(100):
            os.write(1, b"a line that says nothing much\n" * 1000)
        wait_until(lambda: bool(texts(tmp_path)), "the output is kept while the trial runs", 30)
        written = capture.path.stat()
        os.write(1, b"the end\n")
    [text] = texts(tmp_path)
    assert text.startswith("the beginning\n")
    assert text.endswith("the end\n")
    assert "bytes are left out here" in text
    assert HEAD_BYTES + TAIL_BYTES - 200 < len(text) < HEAD_BYTES + TAIL_BYTES + 100
    assert written.st_blocks * 512 < written.st_size / 4


def test_what_a_killed_worker_printed_last_is_kept_by_the_next(make_start: Any, tmp_path: Path, raw: Path) -> None:
    killed = os.fork()
    if not killed:
        Capture(make_start(), 0, raw).open()
        os.write(2, b"terminate called after throwing\n")
        os.kill(os.getpid(), 9)
    os.waitpid(killed, 0)
    assert texts(tmp_path) == []
    with capture_output(make_start(), folder=raw):
        print("again")
    assert texts(tmp_path) == ["terminate called after throwing\n", "again\n"]
    assert not list(raw.iterdir())


def test_a_store_that_takes_nothing_fails_no_trial(
    make_start: Any, raw: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def refuse(*arguments: Any, **named: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LocalStore, "write", refuse)
    with capture_output(make_start(), folder=raw):
        print("lost")
    assert "what t printed could not be kept" in caplog.text
    with capture_output(make_start("u"), folder=raw / "absent"):
        print("shown as ever")
    assert "what u prints is not kept" in caplog.text


def test_a_trial_that_prints_nothing_leaves_nothing(make_start: Any, tmp_path: Path, raw: Path) -> None:
    with capture_output(make_start(), folder=raw):
        pass
    assert not (tmp_path / "studies").exists()


def test_an_output_is_kept_before_the_driver_hears_of_the_end(make_start: Any, tmp_path: Path) -> None:
    def messages() -> Generator[Message, None, None]:
        print("epoch 1")
        yield EpochMessage("t", 1, 1, {}, 0.1, 1.0)
        print("epoch 2, password=hunter2")
        yield EndMessage("t", 1, "failed")

    heard = keeping_output(messages(), make_start())
    assert isinstance(next(heard), EpochMessage)
    assert isinstance(next(heard), EndMessage)
    assert texts(tmp_path) == ["epoch 1\nepoch 2, password=***\n"]
    heard.close()


def test_a_trial_that_is_stopped_early_keeps_what_it_printed(make_start: Any, tmp_path: Path, capfd: Any) -> None:
    ended = []

    def messages() -> Generator[Message, None, None]:
        try:
            print("epoch 1")
            yield EpochMessage("t", 1, 1, {}, 0.1, 1.0)
        finally:
            ended.append(True)

    heard = keeping_output(messages(), make_start())
    next(heard)
    heard.close()
    assert ended
    assert texts(tmp_path) == ["epoch 1\n"]
    print("after")
    assert capfd.readouterr().out == "after\n"
