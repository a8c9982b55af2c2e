"""Worker groups of two ranks over gloo, through real Ray Tune and Ray Train: reuse, early stops, failures, deaths."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray
from ray.util import placement_group_table

from saddle.design.trial_source import AblationSource
from saddle.execute.driver import EndedStudy, Options, run_study
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
from tests.support.waiting import join_all, wait_until

pytestmark = [pytest.mark.usefixtures("ray_session"), pytest.mark.fault("a process of a worker group killed or hung")]

NODES = [{"CPU": 2.0}]
PROCESSES = {
    "rank": ("RayTrainWorker", "ray::execute"),
    "slot": ("ray::Slot", "ray::ResourceTrainable"),  # Ray shows what an actor does now, or else its class
    "controller": ("TrainController",),
    "coordinator": ("ray::Coordinator",),
    "cleaner": ("PlacementGroupCleaner",),
}
OURS = tuple(name for names in PROCESSES.values() for name in names)
GROUP = "resources: {workers: 2, cpus_per_worker: 0.5, concurrency: 1}\n"

ABLATION = """
study: {study}
trainable: parabola
fixed: {{epochs: 3, {fixed}}}
ablation:
  baseline: {{{factor}: {baseline}}}
  factors: {{{factor}: [{baseline}, {levels}]}}
  seeds: {seeds}
  compare: {{metric: test/score}}
"""


def ablation(
    study: str, *, factor: str = "x", baseline: object = 0.3, levels: str = "0.5", seeds: int = 2, fixed: str = ""
) -> str:
    return ABLATION.format(
        study=study, factor=factor, baseline=baseline, levels=levels, seeds=seeds, fixed=fixed or "pause: 0"
    )


def run_yaml(text: str, store: LocalStore) -> EndedStudy:
    [study] = parse_studies(text, "test.yaml")
    return run_study(study, store, NODES, Options(track=False))


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "runs")


def ranks() -> list[psutil.Process]:
    """The processes of Ray Train's workers on this machine that this test session started."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "RayTrainWorker" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def left_over() -> dict[str, int]:
    """What a study may leave nothing of: ranks, slots, coordinators, controllers, their ports, placement groups."""
    processes = [p for p in psutil.Process().children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]
    ours = []
    for process in processes:
        try:
            name = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if any(kind in name for kind in OURS):
            ours.append(process)
    ports = sum(len(p.net_connections(kind="tcp")) for p in ours if p.is_running())
    groups = [g for g in placement_group_table().values() if g["state"] != "REMOVED"]
    return {"processes": len(ours), "ports": ports, "groups": len(groups)}


def wait_until_nothing_is_left() -> None:
    nothing = {"processes": 0, "ports": 0, "groups": 0}
    wait_until(
        lambda: left_over() == nothing and ray.available_resources().get("CPU") == ray.cluster_resources()["CPU"],
        "the end of all that was started",
        show=lambda: f"{left_over()} of {ray.available_resources()}",
        pause=0.2,
    )


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    wait_until_nothing_is_left()
    yield
    wait_until_nothing_is_left()


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], int]:
    """How many slots and groups were started since the test began, counted by the processes of their ranks."""
    seen: set[int] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            seen.update(process.pid for process in ranks())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()

    def count() -> int:
        over.set()
        join_all(thread)
        return len(seen)

    return count


def essence(result: EndedStudy) -> list[Any]:
    """What deaths may not change: per trial its arm, seed, outcome, curve, selection and test metric."""
    return sorted(
        (e.arm, e.seed, e.outcome, [dict(epoch) for epoch in e.curve], e.selected_epoch, e.metrics["test/score"])
        for e in result.entries
    )


def test_one_group_serves_all_trials_and_both_ranks_train(store: LocalStore, starts: Callable[[], int]) -> None:
    result = run_yaml(ablation("warm", levels="0.5, 0.7", seeds=3, fixed="pause: 0.05") + GROUP, store)
    assert [entry.outcome for entry in result.entries] == ["completed"] * 9
    assert len({entry.metrics["test/process"] for entry in result.entries}) == 1, "one rank 0 for all trials"
    assert starts() == 2, "two ranks, started once"
    [effect] = [effect for effect in result.answer.effects if effect.arm == "x=0.5"]
    assert effect.mean == pytest.approx(-0.04 + 0.002)


@pytest.mark.slow
def test_an_end_that_one_rank_alone_comes_to_ends_the_trial_for_all(store: LocalStore) -> None:
    text = ablation("troubles", factor="trouble", baseline="none", levels="raise, diverge, collapse", seeds=1)
    result = run_yaml(text.replace("pause: 0", "pause: 0, trouble_rank: 1") + GROUP, store)
    outcomes = {entry.arm: entry.outcome for entry in result.entries}
    assert outcomes == {
        "trouble=none": "completed",
        "trouble=raise": "failed",
        "trouble=diverge": "diverged",
        "trouble=collapse": "collapsed",
    }
    assert all(e.epochs == 1 for e in result.entries if e.outcome != "completed"), "epoch 2 never was a joint one"
    assert "ZeroDivisionError" in next(entry.why for entry in result.entries if entry.outcome == "failed")


@pytest.mark.slow
def test_an_early_stop_leaves_the_group_warm(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, starts: Callable[[], int]
) -> None:
    monkeypatch.setattr(AblationSource, "report", lambda self, key, epoch, metrics: epoch == 2)
    result = run_yaml(ablation("early", seeds=2, fixed="pause: 0.05") + GROUP, store)
    assert [(entry.outcome, entry.epochs) for entry in result.entries] == [("pruned", 2)] * 4
    assert starts() == 2


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_dies_in_an_epoch_costs_its_trial_nothing(store: LocalStore, tmp_path: Path, rank: int) -> None:
    trouble = f"trouble: die_once, trouble_rank: {rank}, marker: {tmp_path / 'died'}"
    calm = run_yaml(ablation("calm", seeds=1) + GROUP, store)
    result = run_yaml(ablation("deadly", seeds=1, fixed=trouble) + GROUP, store)
    assert (tmp_path / "died").exists()
    assert sorted(entry.attempts for entry in result.entries) == [1, 2]
    assert essence(result) == essence(calm)


@pytest.mark.slow
def test_a_group_that_always_dies_fails_its_trial_alone(store: LocalStore) -> None:
    text = ablation("doomed", factor="trouble", baseline="none", levels="die", seeds=1)
    result = run_yaml(text.replace("pause: 0", "pause: 0, trouble_rank: 1") + GROUP, store)
    assert {entry.arm: entry.outcome for entry in result.entries} == {
        "trouble=none": "completed",
        "trouble=die": "failed",
    }
    assert "died 4 times" in next(entry.why for entry in result.entries if entry.outcome == "failed")


@pytest.mark.slow
def test_a_rank_that_hangs_is_timed_out_and_its_group_replaced(store: LocalStore) -> None:
    text = ablation("hanging", factor="trouble", baseline="hang", levels="none", seeds=1)
    text = text.replace("pause: 0", "pause: 0, trouble_rank: 1") + GROUP + "budget: {minutes_per_trial: 0.1}\n"
    outcomes = {entry.arm: (entry.outcome, entry.epochs) for entry in run_yaml(text, store).entries}
    assert outcomes == {"trouble=hang": ("timed_out", 1), "trouble=none": ("completed", 3)}


@pytest.mark.parametrize(
    "what",
    [
        pytest.param("rank", marks=pytest.mark.slow),
        "slot",
        pytest.param("controller", marks=pytest.mark.slow),
        pytest.param("coordinator", marks=pytest.mark.slow),
    ],
)
def test_whatever_process_is_killed_the_study_ends_as_if_nothing_had_been(store: LocalStore, what: str) -> None:
    text = ablation("killed", seeds=1, fixed="pause: 0.3").replace("epochs: 3", "epochs: 8") + GROUP
    killed: list[int] = []

    def kill_one() -> None:
        trials = store.root / "studies/killed/trials"
        wait_until(lambda: list(trials.glob("*/checkpoints/epoch-00003.pt")), "the third epoch", 300)
        for process in psutil.Process().children(recursive=True):
            if any(name in " ".join(process.cmdline()) for name in PROCESSES[what]):
                killed.append(process.pid)
                os.kill(process.pid, signal.SIGKILL)
                return

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    result = run_yaml(text, store)
    join_all(killer)
    assert killed, f"there was no process called {what}"
    calm = run_yaml(text.replace("study: killed", "study: calm").replace("pause: 0.3", "pause: 0"), store)
    assert essence(result) == essence(calm)
    assert max(entry.attempts for entry in result.entries) == 2
