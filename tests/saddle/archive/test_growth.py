"""A stored ablation whose file grew: what was run stays as it was, what is new is named, what can't be is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from saddle.archive.studies import StoredStudy, growth_of, read_study, refuse_changes, settle_study
from saddle.errors import StudyChanged
from saddle.store.local import LocalStore
from saddle.study.models import Study
from saddle.studyfile.loader import parse_studies
from tests.support.stored import store_ablation

STUDY = """
study: s
trainable: parabola
fixed: {epochs: 1}
ablation:
  baseline: {x: 0.3}
  factors: {mode: [plain, curved]}
  seeds: 3
  compare: {metric: test/score}
"""
X = ("factors: {mode: [plain, curved]}", "factors: {x: [0.3, 0.5, 0.7]}")


def changed(*pairs: tuple[str, str], text: str = STUDY) -> Study:
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    return parse_studies(text, "s.yaml")[0]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "runs")


def ran(store: LocalStore, text: str = STUDY) -> StoredStudy:
    """The study with all of its replicates ended."""
    store_ablation(store, text, lambda one: {"test/score": 0.5 + 0.01 * one.seed + 0.001 * len(one.arm.name)})
    return stored(store)


def stored(store: LocalStore) -> StoredStudy:
    study = read_study(store, "s")
    assert study is not None
    return study


def settle(store: LocalStore, study: Study) -> StoredStudy:
    """The study as `saddle run` takes it up."""
    before = stored(store)
    refuse_changes(store, before, study)
    settle_study(store, study, before.baseline, fresh=False)
    return stored(store)


def missing(study: StoredStudy, store: LocalStore) -> dict[str, int]:
    """How many replicates each arm lacks."""
    known = {record.key for record in study.read_results(store).records}
    lacking = [replicate.arm.name for replicate in study.replicates if replicate.key not in known]
    return {name: lacking.count(name) for name in dict.fromkeys(lacking)}


def refusal(store: LocalStore, study: Study) -> str:
    with pytest.raises(StudyChanged) as refused:
        refuse_changes(store, stored(store), study)
    return str(refused.value)


def test_a_level_that_is_added_makes_an_arm_and_leaves_the_others(store: LocalStore) -> None:
    text = STUDY.replace(*X)
    ran(store, text)
    grown = settle(store, changed(("0.5, 0.7]", "0.5, 0.7, 0.9]"), text=text))
    assert missing(grown, store) == {"x=0.9": 3}
    assert [plan.growth.added for plan in grown.history.plans] == [(), (grown.arms[-1].key,)]
    assert grown.history.added_arms == {grown.arms[-1].key: 9}


def test_a_factor_that_is_added_leaves_name_settings_and_key_of_what_was_run(store: LocalStore) -> None:
    before = ran(store)
    grown = settle(store, changed(("curved]}", "curved], shift: [0.0, 0.5]}")))
    assert [arm.key for arm in grown.arms[:2]] == [arm.key for arm in before.arms]
    assert missing(grown, store) == {"shift=0.5": 3}
    assert grown.arms[2].settings == {"x": 0.3, "mode": "plain", "shift": 0.5}
    assert grown.arms[0].is_baseline
    again = settle(store, changed(("curved]}", "curved], shift: [0.0, 0.5], bend: [0.0, 0.2]}")))
    assert [arm.key for arm in again.arms[:3]] == [arm.key for arm in grown.arms]
    assert missing(again, store) == {"shift=0.5": 3, "bend=0.2": 3}
    assert again.history.later_factors == ("shift", "bend")


def test_a_factor_may_stand_where_the_baseline_says_it_stood(store: LocalStore) -> None:
    before = ran(store)
    grown = settle(store, changed(("curved]}", "curved], shift: [0.5]}"), ("{x: 0.3}", "{x: 0.3, shift: 0.0}")))
    assert [arm.key for arm in grown.arms[:2]] == [arm.key for arm in before.arms]
    assert missing(grown, store) == {"shift=0.5": 3}


def test_a_factor_that_stands_elsewhere_is_refused_with_what_to_write(store: LocalStore) -> None:
    ran(store)
    said = refusal(store, changed(("curved]}", "curved], shift: [0.5, 0.0]}")))
    assert "arms would have shift = 0.5, and plain and curved were run with 0.0" in said
    assert "write 0.0 first among its levels, or into baseline" in said


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (
            [("[0.3, 0.5, 0.7]", "[0.3, 0.7]")],
            "arm x=0.5 would be gone; arms that were run stay in the family of comparisons",
        ),
        ([("{x: 0.3}", "{x: 0.5}")], "ablation.baseline.x: 0.3 → 0.5; every arm was run around it"),
        ([("{x: 0.3}", "{}")], "ablation.baseline.x: 0.3 → not set"),
        ([("epochs: 1", "epochs: 2")], "fixed.epochs: 1 → 2; it would change every arm: leave it, and compare both"),
        ([("  seeds: 3", "  design: factorial\n  seeds: 3")], "the arms of another design are other comparisons"),
        ([("{x: [0.3, 0.5, 0.7]}", "{mode: [plain, curved]}")], "ablation.factors: x taken away"),
    ],
)
def test_what_would_change_what_was_run_is_refused_by_name(
    store: LocalStore, pairs: list[tuple[str, str]], said: str
) -> None:
    text = STUDY.replace(*X)
    ran(store, text)
    assert said in refusal(store, changed(*pairs, text=text))


def test_an_arm_of_the_same_name_with_other_settings_is_another_one(store: LocalStore) -> None:
    text = STUDY.replace(X[0], "factors: {near: }\n  components: {near: {on: {x: 0.3}, off: {x: 0.9}}}")
    text = text.replace("baseline: {x: 0.3}", "baseline: {}")
    ran(store, text)
    said = refusal(store, changed(("off: {x: 0.9}", "off: {x: 0.8}"), text=text))
    assert "would become a different arm (x: 0.9 → 0.8); leave it as it was run, and add the new setting" in said


def test_a_factorial_takes_levels_and_no_factors(store: LocalStore) -> None:
    text = STUDY.replace(X[0], "design: factorial\n  factors: {x: [0.3, 0.5], mode: [plain, curved]}")
    before = ran(store, text)
    grown = settle(store, changed(("[0.3, 0.5]", "[0.3, 0.5, 0.7]"), text=text))
    assert {arm.key for arm in before.arms} < {arm.key for arm in grown.arms}
    assert sum(missing(grown, store).values()) == 6
    said = refusal(store, changed(("[0.3, 0.5]", "[0.3, 0.5, 0.7], shift: [0.0, 0.5]"), text=text))
    assert "shift added to a factorial design, whose effects are means over the levels of every other factor" in said


def test_how_arms_are_compared_may_change_and_is_kept(store: LocalStore) -> None:
    ran(store)
    study = changed(("{metric: test/score}", "{metric: test/process, equivalence: 0.1, also: [test/node]}"))
    assert growth_of(stored(store), study).refused == ()
    grown = settle(store, study)
    [(plan, changes)] = grown.history.judged_otherwise
    assert plan.finished == 6
    assert changes == (
        "ablation.compare.metric: 'test/score' → 'test/process'",
        "ablation.compare.equivalence: not set → 0.1",
    )
    assert not grown.history.is_extended, "no seed was added"
    assert missing(grown, store) == {}
    settle(store, study)
    assert len(stored(store).history.plans) == 2, "the same again is not a growth"


def test_looks_leave_neither_arms_nor_metric_to_choose(store: LocalStore) -> None:
    text = STUDY.replace(*X).replace("seeds: 3", "seeds: {start: 3, at_most: 6}")
    ran(store, text)
    assert "added to an ablation with looks" in refusal(store, changed(("0.7]", "0.7, 0.9]"), text=text))
    said = refusal(store, changed(("{metric: test/score}", "{metric: test/node}"), text=text))
    assert "looks have ended arms by it; a further metric can be described" in said


def test_an_earlier_plan_file_says_nothing_of_growth(store: LocalStore) -> None:
    ran(store)
    assert b"growth" not in store.read("studies/s/plans/0001.json")
    assert b'"version": 1' in store.read("studies/s/plans/0001.json"), "which earlier saddles read"
