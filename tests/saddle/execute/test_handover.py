"""The handover of studies to Tune's loop, which is played by the test."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from saddle.errors import InfrastructureError
from saddle.execute.handover import Handover, Turn
from saddle.execute.worker.errand import ERRAND, Errand, run_errand, unpack

SECONDS = 10.0


class Proposals:
    """A scheduler as far as the handover knows one: it proposes so many trials."""

    def __init__(self, trials: int) -> None:
        self.left = trials

    def propose(self) -> dict[str, Any] | None:
        self.left -= 1
        return {"start": self.left} if self.left >= 0 else None


def propose(scheduler: Any) -> dict[str, Any] | None:
    config: dict[str, Any] | None = scheduler.propose()
    return config


def turn_of(trials: int, slots: int = 2) -> Turn:
    return Turn(Proposals(trials), slots)  # type: ignore[arg-type]


def ask_in_thread(handover: Handover, trial: str) -> tuple[threading.Thread, list[Any]]:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(handover.next_config(trial, propose)), daemon=True)
    thread.start()
    return thread, answers


def test_as_many_trials_as_slots_are_under_way_and_a_turn_ends_with_its_last_trial() -> None:
    handover, turn = Handover(), turn_of(3)
    handover.begin(turn)
    assert handover.next_config("a", propose) == {"start": 2}
    assert handover.next_config("b", propose) == {"start": 1}
    assert handover.next_config("c", propose) is None, "there are two slots"
    handover.ended("a")
    assert handover.next_config("c", propose) == {"start": 0}
    handover.ended("b")
    assert handover.next_config("d", propose) is None
    assert not turn.over.is_set(), "c is under way"
    handover.ended("c")
    thread, answers = ask_in_thread(handover, "e")
    assert turn.over.wait(SECONDS)
    assert handover.scheduler is None
    handover.begin(turn_of(1))
    thread.join(SECONDS)
    assert answers == [{"start": 0}], "the loop waited for the next study"


def test_after_the_last_study_slots_end_one_by_one() -> None:
    handover = Handover()
    turn = turn_of(3)
    turn.last = True
    handover.begin(turn)
    for trial in ("a", "b"):
        assert handover.next_config(trial, propose) is not None
    assert handover.next_config("c", propose) is None
    assert not handover.finished, "it has not been asked for more"
    handover.ended("a")
    assert handover.next_config("c", propose) == {"start": 0}
    handover.ended("b")
    assert handover.next_config("d", propose) is None
    assert handover.finished
    assert not handover.closing, "c is under way"
    assert not turn.over.is_set()
    handover.end()
    assert turn.over.is_set()


def test_slots_start_before_the_first_turn_and_all_are_waited_for() -> None:
    handover = Handover(2, lambda: {"warm_up": 1})
    assert [handover.next_config(trial, propose) for trial in ("a", "b")] == [{"warm_up": 1}] * 2
    assert handover.next_config("c", propose) is None
    handover.begin(turn_of(2))
    assert handover.next_config("c", propose) is None, "its slots are not there yet"
    assert not handover.warmed_up("a")
    handover.ended("b")  # it died
    assert handover.warmed_up("a")
    assert handover.next_config("c", propose) == {"start": 1}


def test_slots_that_never_start_are_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saddle.execute.handover.WARM_UP_SECONDS", -1.0)
    handover = Handover(2, lambda: {"warm_up": 1})
    for trial in ("a", "b"):
        handover.next_config(trial, propose)
    assert handover.warmed_up("a")


def test_a_turn_that_begins_while_the_loop_looks_is_not_taken_for_one_that_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handover, turn = Handover(), turn_of(1)
    look = Handover._config

    def begin_meanwhile(*arguments: Any) -> dict[str, Any] | None:
        config = look(*arguments)
        if handover.turn is None and not turn.over.is_set():
            handover.begin(turn)
        return config

    monkeypatch.setattr(Handover, "_config", begin_meanwhile)
    assert handover.next_config("a", propose) == {"start": 0}
    assert not turn.over.is_set()


def test_closing_wakes_the_loop_and_says_so() -> None:
    handover = Handover()
    thread, answers = ask_in_thread(handover, "a")
    thread.join(0.2)
    assert thread.is_alive()
    handover.close()
    thread.join(SECONDS)
    assert answers == [None]
    assert handover.closing


def test_errands_are_done_between_turns() -> None:
    handover, errand = Handover(), Errand(pow, (2, 5))
    thread, answers = ask_in_thread(handover, "a")
    handover.send([errand])
    thread.join(SECONDS)
    [config] = answers
    handover.end_errand("a", unpack(run_errand(config[ERRAND])))
    assert errand.result() == 32


def test_an_errand_without_an_answer_says_why() -> None:
    handover, done, waiting = Handover(), Errand(pow, (2, 5)), Errand(pow, (2, 6))
    with pytest.raises(InfrastructureError, match="timed out"):
        done.result()
    handover.send([done, waiting])
    assert handover.next_config("a", propose) is not None
    handover.end()
    for errand in (done, waiting):
        with pytest.raises(InfrastructureError, match="have ended"):
            errand.result()


def test_the_end_of_the_loop_ends_the_turn() -> None:
    handover, turn = Handover(), turn_of(1)
    handover.begin(turn)
    handover.end()
    assert turn.over.is_set()
    assert handover.closing


def test_an_errand_of_a_study_under_way_goes_before_its_further_trials() -> None:
    handover, errand = Handover(), Errand(pow, (2, 5))
    handover.begin(turn_of(2))
    handover.send([errand])
    config = handover.next_config("a", propose)
    assert config is not None
    assert set(config) == {ERRAND}
    assert handover.next_config("b", propose) == {"start": 1}
    handover.end_errand("a", error=InfrastructureError("its node died"))
    assert not handover.errands, "an errand ends once"
    handover.end_errand("a", 7)
    with pytest.raises(InfrastructureError, match="its node died"):
        errand.result()


def test_a_cluster_that_grows_and_shrinks_has_more_and_fewer_trials_under_way() -> None:
    handover = Handover()
    handover.resize(5)
    turn = turn_of(6, slots=1)
    handover.begin(turn)
    assert handover.next_config("a", propose) is not None
    assert handover.next_config("b", propose) is None, "what was said before the study was not of it"
    handover.resize(3)
    assert [handover.next_config(trial, propose) is None for trial in ("b", "c", "d")] == [False, False, True]
    handover.resize(2)
    handover.ended("b")
    assert handover.next_config("d", propose) is None


def test_the_last_study_ends_when_the_slots_that_it_has_left_are_free() -> None:
    handover = Handover()
    turn = turn_of(2, slots=3)
    turn.last = True
    handover.begin(turn)
    for trial in ("a", "b"):
        assert handover.next_config(trial, propose) is not None
    handover.resize(2)
    assert handover.next_config("c", propose) is None
    assert not handover.finished, "both slots that are left are at work"


def test_a_turn_and_an_errand_wake_the_loop() -> None:
    for wake in ("begin", "send"):
        handover = Handover()
        thread, answers = ask_in_thread(handover, "a")
        thread.join(0.2)
        assert thread.is_alive(), "there is nothing to do"
        handover.begin(turn_of(1)) if wake == "begin" else handover.send([Errand(pow, (2, 5))])
        thread.join(SECONDS)
        assert answers, wake
        assert answers[0] is not None
