"""An ablation that is run, grown by a level, a factor and seeds, and run again: only what is new is trained."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from saddle.execute.driver import EndedStudy
from saddle.report.write import report_path
from saddle.store.local import LocalStore
from saddle.trial.run_id import RunId
from tests.support.in_process import run_in_process

STUDY = """
study: s
trainable: parabola
fixed: {epochs: 1}
ablation:
  factors: {x: [0.3, 0.5]}
  seeds: 3
  compare: {metric: test/score}
"""
GROWN = STUDY.replace("{x: [0.3, 0.5]}", "{x: [0.3, 0.5, 0.7], shift: [0.0, 0.5]}").replace("seeds: 3", "seeds: 4")


@dataclass(frozen=True)
class Grown:
    before: EndedStudy
    after: EndedStudy
    report: str


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    store = LocalStore(tmp_path_factory.mktemp("grown") / "runs")
    [before] = run_in_process(store, STUDY, track=False)
    [after] = run_in_process(store, GROWN, track=False)
    return Grown(before, after, store.read(report_path(RunId("s"))).decode())


def test_only_what_is_new_is_trained(grown: Grown) -> None:
    first = {record.key: record.ended for record in grown.before.entries}
    again = {record.key: record for record in grown.after.entries}
    assert {key: again[key].ended for key in first} == first
    arms = [record.arm for record in grown.after.entries]
    assert {arm: arms.count(arm) for arm in arms} == {"x=0.3": 4, "x=0.5": 4, "x=0.7": 4, "shift=0.5": 4}


def test_an_arm_of_a_later_factor_is_trained_around_the_same_baseline(grown: Grown) -> None:
    [arm] = {record.params["x"] for record in grown.after.entries if record.arm == "shift=0.5"}
    assert arm == 0.3
    shifts = {record.params["shift"] for record in grown.after.entries if record.arm != "shift=0.5"}
    assert shifts == {0.0}


def test_the_report_marks_what_was_added_and_shows_the_plans(grown: Grown) -> None:
    assert [effect.added_after for effect in grown.after.answer.effects] == [None, 6, 6]
    for said in ("x=0.7 (added later)", "shift=0.5 (added later)", "History of the plan", "arms added"):
        assert said in grown.report
    assert any("Seeds were added after results could be seen" in warning for warning in grown.after.answer.warnings)
