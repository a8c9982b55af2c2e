"""Programs as trainables: what their lines of JSON become, how they fail, and that their children end with them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import wait_until
from trainables.contract import InProcessRun
from trainables.own_loop.program import ProgramFailed, ProgramTrainable, program_trainable
from trainables.own_loop.terms import StudyTerms

TERMS = StudyTerms({"lr": 0.1}, {"validation/accuracy": "maximize", "test/accuracy": "maximize"}, "validation/accuracy")


def make(folder: Path, source: str, arguments: str = "{lr} {seed}", **options: str) -> ProgramTrainable:
    (folder / "program.py").write_text(f"import json, os, sys, time\n{source}")
    return program_trainable(f"{sys.executable} program.py {arguments}", options.get("report", ""), str(folder), TERMS)


def train(trainable: ProgramTrainable, seed: int = 3, **settings: Any) -> list[Any]:
    return list(trainable.train(trainable.Config(**settings), InProcessRun(seed=seed)))


def test_each_line_of_json_is_an_epoch_and_its_test_metrics_wait(tmp_path: Path) -> None:
    source = """
print("starting", sys.argv[1:])
for epoch in range(2):
    print(json.dumps({"epoch": epoch, "validation/accuracy": float(sys.argv[1]) * epoch, "test/accuracy": 0.5}))
print('{"not": "a metric"}')
"""
    trainable = make(tmp_path, source)
    reports = train(trainable, lr=0.25)
    assert [report.metrics for report in reports] == [{"validation/accuracy": 0.0}, {"validation/accuracy": 0.25}]
    assert trainable.evaluate(None, reports[-1].state, InProcessRun()).metrics == {"test/accuracy": 0.5}
    assert trainable.LACKS == ("state", "resume", "load")


def test_a_value_stays_one_word_and_no_shell_sees_it(tmp_path: Path) -> None:
    source = 'print(json.dumps({"validation/accuracy": 1.0 if sys.argv[1:] == ["a; touch x", "3"] else 0.0}))'
    [report] = train(make(tmp_path, source), lr="a; touch x")
    assert report.metrics == {"validation/accuracy": 1.0}
    assert not (tmp_path / "x").exists()


def test_a_file_in_the_folder_of_the_trial_may_hold_the_metrics(tmp_path: Path) -> None:
    source = """
metrics = {"validation/accuracy": json.loads(sys.argv[2])["lr"]}
json.dump(metrics, open(sys.argv[1] + "/m.json", "w"), indent=1)
"""
    [report] = train(make(tmp_path, source, "{output} {config}", report="m.json"), lr=0.5)
    assert report.metrics == {"validation/accuracy": 0.5}
    with pytest.raises(ProgramFailed, match=r"did not write other\.json"):
        train(make(tmp_path, "", "{output} {config}", report="other.json"))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("print('before'); sys.exit(3)", r"exit code 3; its output ends with\nbefore"),
        ("raise ValueError('deep inside')", "(?s)exit code 1;.*deep inside"),
        ("os.kill(os.getpid(), 9)", "exit code 137"),
        ("print('nothing')", r"printed no line of JSON with a metric; its output ends with\nnothing"),
    ],
)
def test_a_failure_says_how_the_output_ended(tmp_path: Path, source: str, said: str) -> None:
    with pytest.raises(ProgramFailed, match=said):
        train(make(tmp_path, source))


def test_output_is_kept_within_bounds(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed) as caught:
        train(make(tmp_path, "for n in range(5000): print(n, 'x' * 5000)\nsys.exit(1)"))
    assert "4999 x" in str(caught.value)
    assert len(str(caught.value)) < 250_000


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("python x.py {rl}", r"\{rl\} in the command is not a setting"),
        ("python x.py", "lr is not passed to the program"),
        ("", "the command is empty"),
        ("python 'x", "No closing quotation"),
    ],
)
def test_a_command_and_the_settings_must_agree(command: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        program_trainable(command, "", "", TERMS)


def test_a_stopped_program_ends_with_its_children(tmp_path: Path) -> None:
    source = """
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
print(json.dumps({"validation/accuracy": 0.5, "child": child.pid}))
open("pids", "w").write(f"{os.getpid()} {child.pid}")
sys.stdout.flush()
time.sleep(120)
"""
    trainable = make(tmp_path, source)
    reports = trainable.train(trainable.Config(), InProcessRun())
    next(reports)
    wait_until(lambda: (tmp_path / "pids").exists() and len((tmp_path / "pids").read_text().split()) == 2, "the pids")
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert all(is_running(pid) for pid in pids)
    reports.close()
    wait_until(lambda: not any(is_running(pid) for pid in pids), "the program and its child to end")


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_the_exit_of_the_worker_ends_the_program(tmp_path: Path) -> None:
    """As `os._exit` of a slot does, which a time limit comes to."""
    source = """
print(json.dumps({"validation/accuracy": 1}), flush=True)
open("pid", "w").write(str(os.getpid()))
time.sleep(120)
"""
    make(tmp_path, source)
    pid = os.fork()
    if pid == 0:
        os.chdir(tmp_path)
        trainable = program_trainable(f"{sys.executable} program.py {{lr}} {{seed}}", "", str(tmp_path), TERMS)
        next(trainable.train(trainable.Config(), InProcessRun()))
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            pass
        os._exit(1)
    os.waitpid(pid, 0)
    program = int((tmp_path / "pid").read_text())
    wait_until(lambda: not is_running(program), "the program to end after its worker")
