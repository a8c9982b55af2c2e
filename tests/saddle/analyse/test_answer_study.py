"""Answers say in words what the numbers say, and name what should make a reader careful."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from saddle.analyse.answer import answer, answer_ablation, answer_search, arms_of, compared_metric
from saddle.design import make_arms, replicates
from saddle.errors import DesignError
from saddle.study.models import Study
from saddle.study.selection import objectives_of
from saddle.study.trainable.declarations import UNDECLARED
from saddle.trial.record import TrialRecord
from tests.support.declared import declare
from tests.support.records import changed, make_record

ROBUST = "test/robust_accuracy.worst_case"
CHOSEN = "validation/robust_accuracy.worst_case"
DIRECTIONS: dict[str, Any] = {
    "validation/loss": "minimize",
    CHOSEN: "maximize",
    "test/clean_accuracy": "maximize",
    ROBUST: "maximize",
}
METRICS = declare(DIRECTIONS)


def ablation_study(factors: dict[str, list[Any]] | None = None, **section: Any) -> Study:
    return Study.model_validate(
        {
            "study": "a",
            "trainable": "t",
            "ablation": {"factors": factors or {"p": ["sta", "mp"]}, "compare": {"metric": ROBUST}, **section},
        }
    )


def run(study: Study, values: Sequence[Sequence[float | str]], by_key: bool = False) -> list[TrialRecord]:
    """Entries with `values[arm][seed]`: a number, or the outcome of a replicate without one."""
    assert study.ablation is not None
    arms = make_arms(study.ablation, study.ablation.baseline)
    found = []
    for one in replicates(arms, study.ablation.seed_list):
        row = values[arms.index(one.arm)]
        if one.seed >= len(row):
            continue
        value = row[one.seed]
        completed = not isinstance(value, str)
        found.append(
            make_record(
                one.key, "a", one.seed, "completed" if completed else str(value), {}, dict(one.arm.settings),
                {ROBUST: value} if completed else {}, arm=one.arm.key if by_key else one.arm.name,  # type: ignore[dict-item]
            )
        )  # fmt: skip
    return found


@pytest.mark.parametrize("by_key", [False, True])
def test_no_difference_is_said_with_size_interval_seeds_and_p(by_key: bool) -> None:
    study = ablation_study()
    found = answer_ablation(study, run(study, [[0.50, 0.52, 0.51], [0.52, 0.51, 0.54]], by_key), METRICS)
    # Differences 2, -1 and 3 points: mean 1.333, standard error 1.2019, t = 1.109 with 2 degrees of freedom.
    assert found.sentence == (
        "With 3 seeds, mp can't be distinguished from sta in test robust accuracy (worst case) (51.0 → 52.3 %)."
        " No difference shown between mp and sta in test/robust_accuracy.worst_case: +1.3 points"
        " (95 % interval −3.8 to +6.5, 3 seeds, Holm-adjusted p = 0.38)."
    )
    assert found.columns[0] == "arm"
    assert found.rows[0] == ("sta", "3", "51.0 % ± 1.0", "–", "–", "–", "–", "baseline")
    assert found.rows[1] == ("mp", "3", "52.3 % ± 1.5", "+1.3", "−3.8 to +6.5", "0.38", "0.5", "no difference shown")
    assert any("can't go below p = 0.25" in warning for warning in found.warnings)


def test_helps_and_hurts_name_both_arms() -> None:
    study = ablation_study({"p": ["sta", "mp", "mta"]})
    entries = run(study, [[0.5, 0.52, 0.51], [0.6, 0.621, 0.611], [0.4, 0.419, 0.41]])
    sentence = answer_ablation(study, entries, METRICS).sentence
    assert sentence.startswith("mp is 10.07 points more robust than sta (")
    assert " mp helps in test/robust_accuracy.worst_case, compared with sta: +10.07 points (" in sentence
    assert " mta hurts, compared with sta: −10.03 points (" in sentence
    minimised = answer_ablation(study, entries, declare({**DIRECTIONS, ROBUST: "minimize"})).sentence
    assert "mp hurts" in minimised
    assert "mta helps" in minimised


def test_equivalent_names_the_margin() -> None:
    study = ablation_study(compare={"metric": ROBUST, "equivalence": 0.02})
    found = answer_ablation(study, run(study, [[0.5, 0.52, 0.51], [0.501, 0.519, 0.511]]), METRICS)
    assert "mp and sta are equivalent in test/robust_accuracy.worst_case (within ±2.00 points): +0.03" in found.sentence


def test_two_seeds_settle_nothing_and_the_word_gain_does_not_appear() -> None:
    study = ablation_study(seeds=2)
    found = answer_ablation(study, run(study, [[0.1, 0.1], [0.9, 0.8]]), METRICS)
    assert found.sentence.startswith("It is unsettled whether mp differs from sta in ")
    assert "2 complete pairs, and a verdict needs at least 3" in found.sentence
    assert found.rows[1][-1] == "unsettled: needs 1 more seed"
    assert "gain" not in " ".join([found.sentence, *found.warnings])


def test_many_arms_without_a_difference_are_listed_together() -> None:
    study = ablation_study({"k": list(range(7))}, baseline={"k": 0})
    values = [[0.5 + 0.01 * ((arm + 1) ** 3 * (seed + 2) % 11) for seed in range(3)] for arm in range(7)]
    values[3] = [one + 0.2 + 0.001 * seed for seed, one in enumerate(values[0])]
    sentence = answer_ablation(study, run(study, values), METRICS).sentence
    assert sentence.startswith(
        "Of 6 comparisons, 1 is better than k=0 (k=3) and 5 are without a difference shown. k=3 helps in "
    )
    assert sentence.endswith("No difference shown for k=1, k=2, k=4, k=5 and k=6, compared with k=0.")
    values[5] = values[0]
    again = answer_ablation(study, run(study, values), METRICS)
    assert "Unsettled for k=5" in again.sentence
    assert any("k=5: every seed gives identical values" in warning for warning in again.warnings)


def test_lost_pairs_and_failures_of_the_method_are_named() -> None:
    study = ablation_study(seeds=5)
    values = [[0.5, 0.52, 0.51, 0.5, "failed"], [0.6, 0.63, 0.62, "collapsed", 0.6]]
    found = answer_ablation(study, run(study, values), METRICS)  # type: ignore[arg-type]
    assert "3 seeds" in found.sentence
    assert found.rows[1][1] == "4 of 5 (1 collapsed)"
    text = " ".join(found.warnings)
    assert "no pair at seed 3: mp collapsed" in text
    assert "no pair at seed 4: sta failed" in text
    assert "mp failed with 1 of 5 seeds and sta failed with 1 of 5 seeds; counted at the worst value" in found.sentence
    gone = answer_ablation(study, run(study, [[0.5, 0.52, 0.51, 0.5, 0.5], ["diverged"] * 5]), METRICS)
    assert gone.sentence == "mp fails with every seed (5 of 5; sta: 0 of 5)."
    assert gone.effects[0].verdict == "fails"
    assert gone.rows[1][-1] == "fails (5 of 5)"
    broken = answer_ablation(study, run(study, [[0.5, 0.52, 0.51, 0.5, 0.5], ["failed"] * 5]), METRICS)
    assert broken.rows[1][-1] == "fails (5 of 5)", "whatever made its code fail, nobody can use the arm"
    both = answer_ablation(study, run(study, [["collapsed"] * 5, ["diverged"] * 5]), METRICS)
    assert both.rows[1][-1].startswith("unsettled")
    few = answer_ablation(study, run(study, [[0.5, 0.52], ["diverged"] * 2]), METRICS)
    assert few.rows[1][-1].startswith("unsettled"), "two seeds are too few to claim anything"


def test_an_unfinished_ablation_is_preliminary() -> None:
    study = ablation_study(seeds=4)
    found = answer_ablation(study, run(study, [[0.5, 0.5], [0.6]]), METRICS)
    assert "Preliminary: 5 of 8 replicates are not trained yet." in found.warnings
    assert answer_ablation(study, [], METRICS).sentence == "No replicate of 8 has finished yet."


def test_below_twice_chance_a_comparison_is_not_informative() -> None:
    study = ablation_study()
    entries = run(study, [[0.12, 0.11, 0.13], [0.15, 0.15, 0.14]])
    low = answer_ablation(study, entries, METRICS, chance=0.1)
    assert low.sentence == (
        "Not informative: no arm reaches 20.0 % in test/robust_accuracy.worst_case, where guessing gives 10.0 %; "
        "that close to guessing, arms differ by noise, and none is compared."
    )
    assert [effect.verdict for effect in low.effects] == ["not informative"]
    assert [row[-1] for row in low.rows] == ["baseline", "not informative"]
    assert answer_ablation(study, entries, METRICS).rows[1][-1] != "not informative"
    assert "Not informative" not in answer_ablation(study, entries, METRICS).sentence
    strong = run(study, [[0.12, 0.11, 0.13], [0.25, 0.25, 0.24]])
    assert "Not informative" not in answer_ablation(study, strong, METRICS, chance=0.1).sentence
    # With two classes twice chance is certainty; half-way there is asked for instead.
    binary = run(study, [[0.8, 0.81, 0.82], [0.85, 0.85, 0.84]])
    assert "Not informative" not in answer_ablation(study, binary, METRICS, chance=0.5).sentence


def test_one_attack_is_an_upper_bound() -> None:
    study = ablation_study()
    entries = run(study, [[0.5, 0.52, 0.51], [0.52, 0.51, 0.54]])
    for attacks, warned in ((["pgd"], True), (["pgd", "cw"], False)):
        measured = [changed(entry, params={"attacks": attacks}) for entry in entries]
        warnings = answer_ablation(study, measured, METRICS).warnings
        assert any("single attack (pgd)" in warning for warning in warnings) is warned


def test_a_set_of_attacks_is_no_single_one() -> None:
    study = ablation_study()
    entries = run(study, [[0.5, 0.52, 0.51], [0.52, 0.51, 0.54]])
    for ran, warned in ((["quick.apgd_t"], True), (["quick.apgd_t", "quick.square"], False)):
        facts = {"attacks": {name: {"order": 1} for name in ran}}
        measured = [changed(e, params={"attacks": ["quick"]}, fingerprints=facts) for e in entries]
        warnings = answer_ablation(study, measured, METRICS).warnings
        assert any("single attack (quick.apgd_t)" in warning for warning in warnings) is warned


def test_the_arms_are_found_again_from_the_ledger() -> None:
    study = ablation_study({"p": ["a", "b"], "q": [1, 2]}, best_of="earlier")
    assert study.ablation is not None
    arms = make_arms(study.ablation, {"p": "b", "q": 1, "lr": 0.123})
    entries = [
        make_record(one.key, "a", one.seed, "completed", {}, dict(one.arm.settings), {ROBUST: 0.5}, arm=one.arm.name)
        for one in replicates(arms, [0])
    ]
    assert [arm.name for arm in arms_of(study, entries)] == [arm.name for arm in arms] == ["baseline", "p=a", "q=2"]
    with pytest.raises(DesignError, match="not those of study a"):
        arms_of(study, [make_record("x", "a", 0, "completed", {}, {}, {}, arm="p=c")])


def test_a_factorial_tells_effects_and_interactions() -> None:
    study = ablation_study({"a": [0, 1], "b": ["x", "y"]}, design="factorial", seeds=4)
    common = [0.0, 0.02, 0.01, 0.03]
    wobble = [[0.001, -0.001, 0.002, 0.0], [0.0, 0.002, -0.001, 0.001], [-0.001, 0.0, 0.001, 0.002], [0.0] * 4]
    cells = {0: 0.5, 1: 0.5, 2: 0.6, 3: 0.8}  # a=0 b=x, a=0 b=y, a=1 b=x, a=1 b=y
    values = [[cells[i] + common[s] + wobble[i][s] for s in range(4)] for i in range(4)]
    found = answer_ablation(study, run(study, values), METRICS)
    by_name = {effect.name: effect for effect in found.effects}
    assert by_name["a=1"].mean == pytest.approx(0.2, abs=0.002)
    assert by_name["b=y"].mean == pytest.approx(0.1, abs=0.002)
    assert by_name["a=1 × b=y"].mean == pytest.approx(0.2, abs=0.003)
    assert "The effect of a=1 with b=y is better than that of a=1 with b=x" in found.sentence
    assert [row[0] for row in found.rows][4:] == ["main effect: a=1", "main effect: b=y", "interaction: a=1 × b=y"]
    assert not any("guessing" in warning for warning in found.warnings)


def test_arms_at_the_floor_of_chance_are_named() -> None:
    study = ablation_study({"a": [0, 1], "b": ["x", "y"]}, design="factorial", seeds=3)
    floored = run(study, [[0.5, 0.52, 0.51], [0.3, 0.33, 0.31], [0.1, 0.09, 0.1], [0.1, 0.1, 0.08]])
    told = [w for w in answer_ablation(study, floored, METRICS, chance=0.1).warnings if "guessing gives 10" in w]
    assert len(told) == 1
    assert "a=1, b=x and a=1, b=y do not reach 20" in told[0]
    assert "interaction may come from that floor" in told[0]
    for chance in (None, 0.04):
        assert not any("guessing" in w for w in answer_ablation(study, floored, METRICS, chance=chance).warnings)


SEARCH = Study.model_validate(
    {
        "study": "s",
        "trainable": "t",
        "search": {"lr": {"float": [1e-4, 1e-1], "log": True}, "k": {"int": [1, 3], "when": {"lr": 5}}},
        "objective": {"maximize": CHOSEN},
        "constraints": ["validation/clean_accuracy >= 0.5"],
    }
)


def trial(
    number: int, value: float, outcome: str = "completed", lr: float = 0.012345678, clean: float = 0.9
) -> TrialRecord:
    metrics = {CHOSEN: value, "validation/clean_accuracy": clean, ROBUST: value - 0.1}
    return make_record(f"s-{number}", "s", 0, outcome, {}, {"lr": lr}, metrics, number=number, epochs=3)


def test_a_search_names_its_best_trial_and_how_the_others_ended() -> None:
    entries = [
        trial(0, 0.5),
        trial(1, 0.7),
        trial(2, 0.9, "pruned"),
        trial(3, 0.8, clean=0.1),
        trial(4, 0.1, "diverged"),
    ]
    found = answer(SEARCH, entries, METRICS)
    assert found.sentence == (
        "The best of 5 trials is trial 1: validation robust accuracy (worst case) 70.0 % with lr = 0.01235."
        " Test data, which the search did not see, give 60.0 %."
        " 3 trials completed, 1 stopped early and 1 diverged."
    )
    assert found.best is entries[1]
    assert [row[0] for row in found.rows] == ["1", "0"]
    assert found.rows[0] == ("1", "70.0 %", "0.01235", "–", "3")


def test_a_best_at_the_edge_of_its_range_is_pointed_out() -> None:
    inside = answer_search(SEARCH, [trial(0, 0.5, lr=0.01)], METRICS).warnings
    edge = answer_search(SEARCH, [trial(0, 0.5, lr=0.0999)], METRICS).warnings
    assert not any("end of its range" in warning for warning in inside)
    assert any("lr = 0.0999 is at the upper end of its range" in warning for warning in edge)


def test_a_search_without_a_best_says_why() -> None:
    assert answer_search(SEARCH, [], METRICS).sentence == "No trial has finished yet."
    lost = [trial(0, 0.5, "failed"), trial(1, 0.5, "failed")]
    assert answer_search(SEARCH, lost, METRICS).sentence == (
        "None of 2 trials completed, so there is no best. 2 failed."
    )
    assert "has a finite validation/robust" in answer_search(SEARCH, [trial(0, math.nan)], METRICS).sentence
    infeasible = answer_search(SEARCH, [trial(0, 0.9, clean=0.1), trial(1, 0.2, clean=0.4)], METRICS)
    assert infeasible.sentence == (
        "None of 2 completed trials keeps validation/clean_accuracy >= 0.5; the closest is trial 1"
        " (validation/clean_accuracy = 0.4)."
    )
    assert infeasible.best is None
    assert infeasible.rows == ()


def test_the_metric_a_study_leaves_open() -> None:
    open_study = ablation_study(compare={})
    assert compared_metric(open_study, declare(DIRECTIONS, CHOSEN)).name == ROBUST
    assert compared_metric(open_study, METRICS).name == ROBUST
    twinless = declare({"test/accuracy": "maximize"}, "validation/loss")
    assert compared_metric(open_study, twinless).name == "test/accuracy"
    assert compared_metric(ablation_study(), UNDECLARED).name == ROBUST
    (objective,) = objectives_of(open_study, declare(DIRECTIONS, "validation/loss"))
    assert (objective.name, objective.direction) == ("validation/loss", "minimize")
