"""Of a trial that was run again (`--retry`) the latest outcome counts."""

from __future__ import annotations

from typing import Any

from saddle.analyse.answer import answer
from saddle.analyse.outcomes import without_retried
from saddle.design import make_arms, replicates
from saddle.study.models import Study
from saddle.trial.record import TrialRecord
from tests.support.declared import declare
from tests.support.records import make_record
from tests.support.results import results_of

SCORE = "validation/score"
DECLARED = declare({SCORE: "maximize"}, SCORE)
STUDY = Study.model_validate(
    {"study": "s", "trainable": "t", "search": {"x": {"float": [0, 1]}}, "objective": {"maximize": SCORE}}
)


def trial(number: int, x: float, outcome: str = "completed", **more: Any) -> TrialRecord:
    metrics = {SCORE: x} if outcome == "completed" else {}
    return make_record(f"trial-{number}", "s", 0, outcome, {"x": x}, {"x": x}, metrics, number=number, **more)


def test_what_failed_and_was_tried_again_is_not_counted() -> None:
    entries = [trial(0, 0.1), trial(1, 0.5, "failed"), trial(2, 0.7, "timed_out"), trial(3, 0.5), trial(4, 0.7)]
    found = answer(STUDY, entries, DECLARED)
    assert found.sentence.startswith("The best of 3 trials is trial 4")
    assert "failed" not in found.sentence
    assert not any("failed" in warning for warning in found.warnings)


def test_what_fails_again_counts_once() -> None:
    entries = [trial(0, 0.1), trial(1, 0.5, "failed"), trial(2, 0.5, "failed")]
    assert [entry.number for entry in without_retried(entries)] == [0, 2]
    assert "1 trial completed, 1 failed" in answer(STUDY, entries, DECLARED).sentence


def test_what_was_not_tried_again_still_counts() -> None:
    entries = [trial(0, 0.1), trial(1, 0.5, "failed"), trial(2, 0.6), trial(3, 0.7, "collapsed"), trial(4, 0.7)]
    assert without_retried(entries) == entries, "other settings, and a collapse is not an outcome to retry"


def test_a_failure_after_a_success_stays() -> None:
    entries = [trial(0, 0.5), trial(1, 0.5, "failed")]
    assert without_retried(entries) == entries


def test_arms_and_seeds_are_trials_of_their_own() -> None:
    def replicate(key: str, seed: int, arm: str, outcome: str, started: float) -> TrialRecord:
        return make_record(key, "s", seed, outcome, {}, {"x": 1}, {}, arm=arm, started=started)

    entries = [
        replicate("a", 0, "one", "failed", 1.0),
        replicate("b", 1, "one", "completed", 2.0),
        replicate("c", 0, "two", "completed", 3.0),
    ]
    assert without_retried(entries) == entries
    again = replicate("d", 0, "one", "completed", 4.0)
    assert without_retried([*entries, again]) == [*entries[1:], again]


ARMS = Study.model_validate({"study": "s", "trainable": "t", "ablation": {"factors": {"x": [1, 2]}, "seeds": 3}})


def test_where_every_trial_failed_nobody_is_asked_for_seeds() -> None:
    assert ARMS.ablation is not None
    arms = make_arms(ARMS.ablation, {"x": 1})
    ends = dict(zip(range(3), ("failed", "failed", "collapsed"), strict=True))
    entries = [
        make_record(one.key, "s", one.seed, ends[one.seed], {}, dict(one.arm.settings), {}, arm=one.arm.name)
        for one in replicates(arms, ARMS.ablation.seed_list)
    ]
    found = results_of(ARMS, DECLARED, entries, {"x": 1})
    assert found.all_failed
    assert found.answer.sentence == "Every trial failed (4 failed and 2 collapsed), so nothing can be compared."
    said = [*found.answer.warnings, *(effect.verdict_text for effect in found.answer.effects)]
    assert not [text for text in said if "seeds could" in text or "are needed" in text or "more seed" in text]
    assert not results_of(ARMS, DECLARED, [], {"x": 1}).all_failed
    assert not results_of(STUDY, DECLARED, [trial(0, 0.1), trial(1, 0.2, "failed")], None).all_failed
