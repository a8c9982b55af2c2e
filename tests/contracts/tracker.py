"""The contract of every tracker. Subclass `TrackerContract` and give `open_tracker`."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from saddle.store.base import Store
from saddle.track.base import ArmSummary, StudySummary, Tracker
from saddle.trial.measurement import Measurement
from saddle.trial.progress import TrialProgress
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from saddle.trial.spec import TrialSpec
from trainables.contract import CheckItem

CHECK = CheckItem("black_box", "fail", {"by_square_alone": 12.0}, "Square fools 12 images")

STARTED = 1_700_000_000.0


def started(key: str, arm: str | None = None, seed: int = 0) -> TrialProgress:
    """A trial as it starts."""
    params = {"lr": 0.1, "dataset": {"folder": "x"}, "tasks": ["a", "b"]}
    return TrialProgress(TrialSpec(key, RunId("s"), {"lr": 0.1}, seed, arm, params=params), STARTED)


def ended(key: str, outcome: str = "completed", arm: str | None = None, seed: int = 0) -> TrialRecord:
    """A trial as it ends."""
    spec = TrialSpec(key, RunId("s"), {"lr": 0.1}, seed, arm, params={"lr": 0.1})
    return TrialRecord(
        TrialProgress(spec, STARTED, attempts=1, epochs=2, seconds=1.5),
        outcome,
        Measurement({"validation/a": 0.5, "test/a": 0.25}, {"test/a": 0.2}, fingerprints={"data": "abc"}),
        why="" if outcome == "completed" else "because",
        ended=STARTED + 10,
    )


def tell_ablation(tracker: Tracker, store: Store) -> None:
    """A whole ablation of two arms and two seeds, its files in `store`."""
    note = "note.txt"
    store.write(note, b"an artifact")
    tracker.start_study({"dataset": "digits"}, {"saddle.question": "why?"}, [note])
    for seed in range(2):
        for arm in ("sta", "mp"):
            key = f"{arm}-{seed}"
            tracker.start_trial(started(key, arm, seed))
            for epoch in (1, 2):
                tracker.report(key, epoch, {"validation/a": epoch / 4}, STARTED + epoch)
            tracker.finish_trial(ended(key, arm=arm, seed=seed), [note])
    tracker.note_checks(replace(ended("mp-0", arm="mp"), checks=(CHECK,)))
    tracker.finish_study(
        "FINISHED",
        {"sta": ArmSummary({"test/a": 0.25}, {"saddle.verdict": "baseline"})},
        StudySummary({"best": 0.25}, {"saddle.answer": "so"}, "**helps** – so it is"),
        [note],
        STARTED + 20,
    )


class TrackerContract:
    """The checks; override the fixture `open_tracker`."""

    @pytest.fixture
    def open_tracker(self) -> Any:
        """A function that opens the tracker of the same study."""
        raise NotImplementedError("give a fixture `open_tracker`")

    @pytest.fixture
    def store(self) -> Store:
        """The store that the tracker reads files from."""
        raise NotImplementedError("give a fixture `store`")

    @pytest.fixture
    def delivery_allowed(self) -> threading.Event:
        """An event that deliveries wait for, if there are any; it is set after a minute.

        A call that waits for the delivery would return after that, which the event shows.
        """
        return threading.Event()

    def test_a_whole_study_is_taken_without_complaint(self, open_tracker: Any, store: Store) -> None:
        tracker = open_tracker()
        tell_ablation(tracker, store)
        assert tracker.close(60) is None

    def test_telling_it_all_again_is_taken_too(self, open_tracker: Any, store: Store) -> None:
        for _ in range(2):
            tracker = open_tracker()
            tell_ablation(tracker, store)
            assert tracker.close(60) is None

    def test_no_call_waits_for_delivery(
        self, open_tracker: Any, store: Store, delivery_allowed: threading.Event
    ) -> None:
        tracker = open_tracker()
        tell_ablation(tracker, store)
        assert not delivery_allowed.is_set(), "telling a tracker is writing a few lines"
        delivery_allowed.set()
        assert tracker.close(120) is None
