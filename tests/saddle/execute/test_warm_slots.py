"""The slots of a file's studies: shared where they want the same, recreated where not, and none is left over."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import psutil
import pytest

from saddle.cluster.connection import connect
from saddle.errors import FailedAlike
from saddle.execute import driver
from saddle.execute.driver import EndedStudy, Options, run_studies
from saddle.execute.warm_slots import WarmSlots
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

STUDY = """
study: {name}
trainable: parabola
fixed: {{epochs: 2, pause: 0.3, trouble: {trouble}}}
resources: {{cpus_per_worker: {cpus}}}
ablation:
  baseline: {{x: 0.3}}
  factors: {{x: [0.3, 0.5]}}
  seeds: 3
  compare: {{metric: test/score}}
"""


def study(name: str, cpus: float = 1, trouble: str = "none") -> str:
    return STUDY.format(name=name, cpus=cpus, trouble=trouble)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> LocalStore:
    return LocalStore(tmp_path_factory.mktemp("warm") / "runs")


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    wait_until(lambda: not slot_processes(), "the end of all slots", 60)


def slot_processes() -> list[psutil.Process]:
    return [process for process in psutil.Process().children(recursive=True) if is_slot(process)]


def is_slot(process: psutil.Process) -> bool:
    try:
        name = " ".join(process.cmdline())
        return "ray::Slot" in name or "ray::ResourceTrainable" in name  # as Tune calls it while it starts
    except psutil.Error:
        return False


def run(store: LocalStore, *texts: str) -> list[EndedStudy]:
    options = Options(track=False, check=False)
    return run_studies(parse_studies("\n---\n".join(texts), "warm.yaml"), store, options)


def processes_of(ended: EndedStudy) -> set[float]:
    assert {entry.outcome for entry in ended.entries} == {"completed"}, [entry.why for entry in ended.entries]
    return {entry.metrics["test/process"] for entry in ended.entries}


def test_studies_of_a_file_share_slots_that_started_early_and_other_resources_get_others(store: LocalStore) -> None:
    first, second, third = map(processes_of, run(store, study("a"), study("b"), study("c", cpus=2)))
    assert len(first) == 2, "both were up before the first trial ended"
    assert second == first
    assert len(third) == 1
    assert not third & first


@pytest.mark.fault("slot killed between two studies")
def test_a_slot_that_dies_between_two_studies_is_replaced(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    conclude = driver.conclude

    def kill_and_conclude(*arguments, **named):  # type: ignore[no-untyped-def]
        if not killed:
            killed.append(slot_processes()[0].pid)
            os.kill(killed[0], signal.SIGKILL)
        return conclude(*arguments, **named)

    monkeypatch.setattr(driver, "conclude", kill_and_conclude)
    first, second = map(processes_of, run(store, study("d"), study("e")))
    assert killed[0] in first
    assert killed[0] not in second
    assert second & first, "the other one lives on"


@pytest.mark.fault("slot killed while it starts")
def test_slots_that_die_before_the_first_trial_cost_nothing_but_time(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    settle_study = driver.settle_study  # type: ignore[attr-defined]

    def kill_and_settle(*arguments, **named):  # type: ignore[no-untyped-def]
        wait_until(slot_processes, "a slot", 60)
        for process in slot_processes():
            killed.append(process.pid)
            process.kill()
        return settle_study(*arguments, **named)

    monkeypatch.setattr(driver, "settle_study", kill_and_settle)
    [ended] = run(store, study("f"))
    assert killed
    assert not processes_of(ended) & {*map(float, killed)}


def test_a_first_study_that_fails_ends_the_file_and_its_slots(store: LocalStore) -> None:
    with pytest.raises(FailedAlike):
        run(store, study("g", trouble="raise"), study("h"))
    assert not list(store.names("studies/h"))


def test_a_finished_study_starts_no_slots(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run(store, study("i"))
    monkeypatch.setattr(WarmSlots, "start", lambda *arguments: pytest.fail("a slot was started"))
    [ended] = run(store, study("i"))
    assert len(ended.entries) == 6


def test_what_a_slot_is_asked_between_studies_it_answers_or_says_why_not() -> None:
    from saddle.cluster.capacity.resources import slots_for
    from saddle.execute.warm_slots import warm_slots
    from saddle.execute.worker.errand import Errand
    from saddle.trial.placement import Placement

    [asked] = parse_studies(study("j"), "warm.yaml")
    with connect() as nodes, warm_slots() as slots:
        errand = Errand(pow, (2, 5))
        assert not slots.call([errand], 1.0), "there are none yet"
        slots.start(asked, Placement("unused"), slots_for(asked, nodes))
        wrong = Errand(divmod, (1, 0))
        assert slots.call([errand, wrong], 120)
        assert errand.result() == 32
        with pytest.raises(Exception, match="division"):
            wrong.result()
        after = Errand(os.getpid, ())
        assert slots.call([after], 120)
        assert after.result() != os.getpid()
