"""The command as a process: Ctrl-C, a second Ctrl-C, a kill, and continuing afterwards.

That a second driver is refused and `saddle stop` obeyed is seen in `test_cli_running`.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_methods.parabola import Config, score

from tests.support.commands import Command
from tests.support.waiting import PROCESS_SECONDS, wait_until

pytestmark = pytest.mark.fault("Ctrl-C once and twice; driver killed")

STUDY = """
study: slow
trainable: parabola
fixed: {epochs: 6, pause: 0.25}
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5]}
  seeds: 3
  compare: {metric: test/score}
"""

SEARCH = """
study: search
trainable: parabola
fixed: {epochs: 6, pause: 0.2}
search: {x: {float: [0.0, 1.0]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 0}}
budget: {trials: 6}
"""


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    (tmp_path / "slow.yaml").write_text(STUDY)
    (tmp_path / "search.yaml").write_text(SEARCH)
    command = Command(tmp_path)
    yield command
    command.kill_leftovers()


def epochs_under_way(command: Command) -> list[Path]:
    """Checkpoints of trials of the study `slow` that have not ended."""
    study = command.folder / "runs/studies/slow"
    ended = {path.stem for path in study.glob("ledger/*.parquet")}
    saved = study.glob("trials/*/checkpoints/epoch-*.pt")
    return [path for path in saved if path.parents[1].name not in ended]


def slow_down(command: Command, pause: float) -> None:
    """Let every epoch of the study `slow` take `pause` seconds."""
    (command.folder / "slow.yaml").write_text(STUDY.replace("pause: 0.25", f"pause: {pause}"))


def test_ctrl_c_stops_between_epochs_says_how_to_go_on_and_the_same_command_does(command: Command) -> None:
    process = command.start("run", "slow.yaml", "--no-mlflow")
    wait_until(lambda: command.entries("slow") >= 2, "the end of two trials")
    wait_until(lambda: epochs_under_way(command), "an epoch of a trial after them")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=PROCESS_SECONDS)
    assert process.returncode == 130, said
    assert "Continue with: saddle run slow.yaml" in said
    assert "Traceback" not in said
    before = command.entries("slow")
    assert 2 <= before < 6
    wait_until(lambda: not command.leftovers(), "the end of all it started", PROCESS_SECONDS)

    said = command.run("run", "slow.yaml", "--no-mlflow")
    assert f"[{before + 1}/6]" in said
    assert f"[{before}/6]" not in said, "what was done is not done again"
    rows = command.rows("slow")
    assert max(row["attempts"] for row in rows) == 2, "a trial continued where it was"

    assert len(rows) == 6
    for row in rows:
        undisturbed = score(Config(**row["params"]), row["seed"], 6)
        assert (row["outcome"], row["epochs"], row["selected_epoch"]) == ("completed", 6, 6)
        assert row["metrics"]["test/score"] == pytest.approx(undisturbed, abs=1e-12)


def slots_of(command: Command) -> list[int]:
    """The processes of slots, also of those that start."""
    names = {process: Path(f"/proc/{process}/cmdline").read_bytes() for process in command.leftovers()}
    return [process for process, name in names.items() if b"ray::" in name and b"Agent" not in name]


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_while_the_slots_start_leaves_nothing_and_the_same_command_goes_on(command: Command, times: int) -> None:
    process = command.start("run", "slow.yaml", "--no-mlflow")
    wait_until(lambda: slots_of(command), "a process of Ray's that becomes a slot", PROCESS_SECONDS)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    said, _ = process.communicate(timeout=PROCESS_SECONDS)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    wait_until(lambda: not command.leftovers(), "the end of all it started", PROCESS_SECONDS)
    if times == 1:
        command.run("run", "slow.yaml", "--no-mlflow")
        assert {row["outcome"] for row in command.rows("slow")} == {"completed"}


def test_a_second_ctrl_c_ends_at_once_and_leaves_nothing_running(command: Command) -> None:
    slow_down(command, 3600)
    process = command.start("run", "slow.yaml", "--no-mlflow")
    wait_until(lambda: (command.folder / "runs/studies/slow/trials").exists(), "the first trial's start")
    process.send_signal(signal.SIGINT)
    time.sleep(1.5)
    assert process.poll() is None, "the first Ctrl-C waits for the epochs under way"
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=PROCESS_SECONDS)  # an epoch takes an hour
    assert process.returncode == 130, said
    wait_until(lambda: not command.leftovers(), "the end of all it started", PROCESS_SECONDS)


def test_a_killed_search_goes_on_with_every_trial_once(command: Command) -> None:
    process = command.start("run", "search.yaml", "--no-mlflow")
    wait_until(lambda: command.entries("search") >= 2, "the end of two trials")
    process.kill()
    process.communicate(timeout=PROCESS_SECONDS)
    command.run("run", "search.yaml", "--no-mlflow")  # at once: what the dead driver started may still be there
    rows = command.rows("search")
    trained = [row["trial"] for row in rows]
    assert trained == sorted(set(trained))
    assert len(trained) == 6
    # killed between asking for a number and drawing what is tried under it: nothing was ever trained there
    left_out = {f"trial-{n:05d}" for n in range(int(trained[-1].removeprefix("trial-")))} - {*trained}
    assert len(left_out) <= 1
    assert not any((command.folder / f"runs/studies/search/trials/{name}").exists() for name in left_out)
    assert {row["outcome"] for row in rows} == {"completed"}
    assert len({row["params"]["x"] for row in rows}) == 6


@pytest.mark.fault("a trial that hangs")
def test_a_trial_that_hangs_gets_a_time_limit_afterwards(command: Command) -> None:
    hanging = SEARCH.replace("pause: 0.2", "trouble: hang").replace("trials: 6", "trials: 1")
    (command.folder / "search.yaml").write_text(hanging)
    process = command.start("run", "search.yaml", "--no-mlflow")
    trials = command.folder / "runs/studies/search/trials"
    wait_until(lambda: list(trials.glob("*/checkpoints/epoch-00001.pt")), "the first epoch's checkpoint", 90)
    process.kill()
    process.communicate(timeout=PROCESS_SECONDS)
    (command.folder / "search.yaml").write_text(hanging.replace("trials: 1", "trials: 1, minutes_per_trial: 0.05"))
    command.run("run", "search.yaml", "--no-mlflow", code=1)  # as its only trial failed
    [row] = command.rows("search")
    assert (row["outcome"], row["epochs"]) == ("timed_out", 1)
