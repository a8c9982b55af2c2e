"""What was spent and what is left, whatever the wall clock does; and a progress file that is damaged or an old one."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from saddle.analyse.best import best_trial
from saddle.analyse.searches.chance_and_ties import why_search_has_no_best
from saddle.archive.progress import Progress, progress_path, read_progress
from saddle.archive.study_status import StudyState
from saddle.cli.output.display import best_so_far, state_line
from saddle.execute.progress import ProgressKeeper, Silent, hours_of, ranking
from saddle.store.local import LocalStore
from saddle.study.models import Study
from saddle.trial.run_id import RunId
from tests.support.declared import declare
from tests.support.records import make_record

RUN = RunId("s")
HOURS = 3600.0


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


class Clocks:
    """A wall clock that may be set, and one that nobody sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.steady = 1_700_000_000.0, 1000.0
        monkeypatch.setattr(time, "time", lambda: self.wall)
        monkeypatch.setattr(time, "monotonic", lambda: self.steady)

    def pass_by(self, seconds: float, *, set_by: float = 0.0) -> None:
        self.steady += seconds
        self.wall += seconds + set_by


@pytest.mark.fault("a wall clock that is set")
@pytest.mark.parametrize("set_by", [0.0, 3 * HOURS, -3 * HOURS, 365 * 24 * HOURS])
def test_a_wall_clock_that_is_set_changes_nothing(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, set_by: float
) -> None:
    clocks = Clocks(monkeypatch)
    keeper = ProgressKeeper(Progress("s", total=10, hours_before=1.0), store, RUN, Silent(), begun=clocks.steady)
    clocks.pass_by(50.0, set_by=set_by)
    keeper.started("a")
    clocks.pass_by(50.0)
    keeper.finished(make_record("a", "s", 0, "completed", {}, {}, {}), "a ended")
    assert keeper.progress.seconds == 100.0
    assert keeper.progress.seconds_left == pytest.approx(900.0)
    stored = read_progress(store, RUN)
    assert stored is not None
    assert (stored.done, stored.seconds) == (1, 100.0), "it was stored although the wall clock went back"
    assert stored.hours == pytest.approx(1.0 + 100 / HOURS)
    clocks.pass_by(11.0, set_by=-set_by)
    keeper.beat()
    beaten = read_progress(store, RUN)
    assert beaten is not None
    assert beaten.seconds == 111.0, "also while nothing happens"


def test_what_is_waited_for_is_stored_at_once_and_gone_afterwards(store: LocalStore) -> None:
    told: list[str | None] = []

    class Listening:
        def changed(self, progress: Progress, event: str | None) -> None:
            told.append(event)

    keeper = ProgressKeeper(Progress("s"), store, RUN, Listening())
    for waiting in ("a trial waits for 1 CPU", "a trial waits for 1 CPU still", ""):
        keeper.wait(waiting)
        keeper.wait(waiting)
    stored = read_progress(store, RUN)
    assert stored is not None
    assert stored.waiting == ""
    assert told == ["a trial waits for 1 CPU", None], "said once"


def test_an_older_saddles_progress_is_read(store: LocalStore) -> None:
    facts = {"study": "s", "done": 3, "started": 1000.0, "updated": 4600.0, "hours_before": 0.5, "state": "running"}
    store.write(progress_path(RUN), json.dumps(facts).encode())
    found = read_progress(store, RUN)
    assert found is not None
    assert found.hours == pytest.approx(1.5)
    store.write(progress_path(RUN), json.dumps({**facts, "updated": -5000.0}).encode())
    backwards = read_progress(store, RUN)
    assert backwards is not None
    assert backwards.hours == pytest.approx(0.5)


@pytest.mark.parametrize(
    "content", [b"", b"\0\0", b"[]", b"7", b'"x"', b'{"study": ', b"\xff\xfe", b'{"study": "s", "running": "a"}',
                b'{"study": "s", "hours_before": "long"}', b'{"study": "s", "outcomes": [1]}'],
)  # fmt: skip
def test_a_damaged_one_is_as_good_as_none(store: LocalStore, content: bytes) -> None:
    store.write(progress_path(RUN), content)
    assert read_progress(store, RUN) is None


def test_hours_of_a_study_whose_count_is_lost_are_those_of_its_trials() -> None:
    trials = [make_record(str(n), "s", 0, "completed", {}, {}, {}, seconds=1800.0) for n in range(4)]
    assert hours_of(trials, 2) == pytest.approx(1.0)
    assert math.isclose(hours_of([], 2), 0.0)


def test_the_lines_of_a_search_at_chance_call_no_trial_the_best(store: LocalStore) -> None:
    metric = "validation/robust_accuracy.worst_case"
    study = Study.model_validate(
        {"study": "s", "trainable": "t", "search": {"lr": {"float": [0, 1]}}, "objective": {"maximize": metric}}
    )
    declared = declare({metric: "maximize", "validation/samples": "maximize"})
    doubt = partial(why_search_has_no_best, study, declared)
    keeper = ProgressKeeper(
        Progress("s", metric=metric), store, RUN, Silent(), partial(best_trial, study, declared), doubt
    )

    def count(number: int, value: float) -> None:
        metrics = {metric: value, "validation/samples": 360.0}
        keeper.count(
            make_record(
                f"s-{number}", "s", 0, "completed", {}, {"lr": number / 9}, metrics, number=number,
                fingerprints={"classes": 10},
            )
        )  # fmt: skip

    assert best_so_far(keeper.progress) == ""
    for number in range(2):
        count(number, 0.1)
    assert best_so_far(keeper.progress) == "no best trial so far"
    assert "no best trial: All 2 completed trials have the same" in state_line(StudyState(keeper.progress, None))
    count(2, 0.4)
    assert best_so_far(keeper.progress) == "best so far 0.400"
    assert "best validation/robust_accuracy.worst_case 0.400 (s-2)" in state_line(StudyState(keeper.progress, None))


@pytest.mark.parametrize(
    ("terms", "best"),
    [
        ([0.1, 0.1, 0.1], "best so far 0.900"),
        ([0.1, 0.2, 0.1], ""),
        ([0.1, None, 0.2], "best so far 0.500"),
        ([None, 0.1, None], "best so far 0.900"),
    ],
    ids=["alike", "each its own", "one as the test", "two as the test"],
)
def test_trials_that_validation_measured_by_terms_of_their_own_are_not_ranked(
    store: LocalStore, terms: list[float | None], best: str
) -> None:
    metric = "validation/robust_accuracy.worst_case"
    declared = replace(declare({metric: "maximize"}, metric), evaluation_fields=("attack_epsilon",))
    study = Study.model_validate(
        {"study": "s", "trainable": "t", "ablation": {"factors": {"lr": [0, 1]}, "seeds": 3, "compare": {}}}
    )
    keeper = ProgressKeeper(Progress("s", metric=metric), store, RUN, Silent(), **ranking(study, declared))
    for number, (epsilon, value) in enumerate(zip(terms, (0.7, 0.5, 0.9), strict=True)):
        own = {} if epsilon is None else {"validation/attack_epsilon": epsilon}
        keeper.count(make_record(f"s-{number}", "s", number, "completed", {}, {}, {metric: value, **own}))
    progress = keeper.progress
    assert best_so_far(progress) == best
    chosen = best_trial(study, declared, keeper.completed)
    assert progress.best_trial == (None if chosen is None else chosen.key)
    if None in terms:
        assert len(progress.leaders) == terms.count(None), "no other one follows them"
