"""What a worker died of stands in `why`, and what only looks like a process's end fails its trial at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from saddle.cluster.failures.worker_exit import conclude
from saddle.execute import scheduler as scheduler
from saddle.execute.driver import Options, run_study
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
from saddle.trial import restart_policy

pytestmark = pytest.mark.fault("worker killed, crashed or exited")

STUDY = """
study: deaths
trainable: mortal
fixed: {{epochs: 3, rank: {rank}}}
resources: {{workers: {workers}, cpus_per_worker: {cpus}}}
ablation:
  baseline: {{way: nothing}}
  factors: {{way: [nothing, {ways}]}}
  seeds: 1
  compare: {{metric: test/score}}
"""
DEATHS = {
    "sigkill": r"signal 9 \(SIGKILL\), as by kill -9 or a batch system$",
    "sigsegv": r"signal 11 \(SIGSEGV\)$",
    "sigabrt": r"signal 6 \(SIGABRT\)$",
    "sigterm": r"signal 15 \(SIGTERM\), exit code 1$",
    "exit code": r"exit code 3 \(os\._exit\)$",
}
RAISED = ("SystemExit", "KeyboardInterrupt", "CancelledError")


def outcomes(tmp_path: Path, ways: str, *, workers: int = 1, rank: int = 0) -> dict[str, tuple[str, str, int]]:
    text = STUDY.format(ways=ways, workers=workers, rank=rank, cpus=1 / workers)
    [study] = parse_studies(text, "deaths.yaml")
    result = run_study(study, LocalStore(tmp_path / "runs"), [{"CPU": 2.0}], Options(track=False))
    return {str(entry.params["way"]): (entry.outcome, entry.why, entry.attempts) for entry in result.entries}


@pytest.mark.usefixtures("ray_session")
def test_a_slots_process_says_what_it_died_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart_policy, "RESTARTS", 0)
    found = outcomes(tmp_path, ", ".join(DEATHS))
    assert found.pop("nothing")[0] == "completed"
    for way, (outcome, why, _) in found.items():
        assert outcome == "failed"
        assert re.search(f"^the worker died 1 times, the last time of {DEATHS[way]}", why), (way, why)


@pytest.mark.usefixtures("ray_session")
def test_what_only_asks_for_the_end_fails_the_trial_at_once(tmp_path: Path) -> None:
    found = outcomes(tmp_path, ", ".join(RAISED))
    assert found.pop("nothing")[0] == "completed"
    for way, (outcome, why, attempts) in found.items():
        assert (outcome, attempts) == ("failed", 1)
        assert "Traceback" in why
        assert f"the trainable raised {way}(" in why


@pytest.mark.slow
@pytest.mark.usefixtures("ray_session")
def test_a_ranks_process_says_what_it_died_of(tmp_path: Path) -> None:
    found = outcomes(tmp_path, "SystemExit, sigsegv", workers=2, rank=1)
    assert found["nothing"][0] == "completed"
    outcome, why, attempts = found["SystemExit"]
    assert (outcome, attempts) == ("failed", 1)
    assert "the trainable raised SystemExit(4)" in why
    outcome, why, _ = found["sigsegv"]
    assert outcome == "failed"
    assert re.search(r"^the worker group died 4 times, the last time of signal 11 \(SIGSEGV\)$", why), why


@pytest.mark.parametrize(
    ("note", "kills", "said"),
    [
        (b"saddle: 3 OOM kills on this machine so far\n", 3, "signal 9 (SIGKILL), as by kill -9 or a batch system"),
        (b"saddle: 3 OOM kills on this machine so far\n", 4, "signal 9 (SIGKILL) by the kernel's OOM killer"),
        (b"Fatal Python error: Bus error\n\nCurrent thread 0x1:\n", 0, "signal 7 (SIGBUS)"),
        (b"\nsaddle: os._exit(-1) was called\n", 0, "exit code -1 (os._exit)"),
        (b"", 9, "signal 9 (SIGKILL), as by kill -9 or a batch system"),
    ],
)
def test_what_a_note_says(note: bytes, kills: int, said: str) -> None:
    assert conclude(note, kills).startswith(said)
