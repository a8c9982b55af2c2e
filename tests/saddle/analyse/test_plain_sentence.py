"""The sentence that an answer begins with: what it says for each verdict, and when it says yes or no."""

from __future__ import annotations

from dataclasses import replace

import pytest

from saddle.analyse.arms.effect import Effect, FailuresCounted
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.plain_sentence import asks_whether_it_improves, plain_sentences
from saddle.analyse.text.formatting import Scale
from trainables.contract import complete_metric

ACCURACY, DISTANCE = complete_metric("test/accuracy"), complete_metric("test/fid")
SCALE = Scale.of(ACCURACY, [0.02])
EFFECT = Effect(
    "mp", "mp", "sta", ACCURACY, Verdict.HURTS, 5, -0.044, -0.06, -0.03, arm_mean=0.467, baseline_mean=0.511
)
COUNTED = FailuresCounted(5, 1, 8, 8, 8, -0.1)
BEATS = "Does mixed perturbation (MP) beat STA?"


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        (Verdict.HURTS, "No: mp is 4.4 points less accurate than sta (51.1 → 46.7 %)."),
        (
            Verdict.NO_DIFFERENCE,
            "Not shown: with 5 seeds, mp can't be distinguished from sta in test accuracy (51.1 → 46.7 %).",
        ),
        (
            Verdict.UNSETTLED,
            "Not settled: with 5 seeds, mp can't be distinguished from sta in test accuracy (51.1 → 46.7 %).",
        ),
        (Verdict.EQUIVALENT, "No: mp and sta make no practical difference to test accuracy (51.1 → 46.7 %)."),
        (Verdict.FAILS, ""),
        (Verdict.RESCUES, "Yes: training with sta fails with 1 of 8 seeds, with mp with 5 of 8."),
        (
            Verdict.BETTER_WHERE_IT_WORKS,
            (
                "Not shown: where mp trains at all (3 of 8 seeds), test accuracy is 4.4 points lower than with sta"
                " (51.1 → 46.7 %)."
            ),
        ),
    ],
)
def test_each_verdict_has_its_sentence(verdict: Verdict, sentence: str) -> None:
    assert plain_sentences(BEATS, [replace(EFFECT, verdict=verdict, counted=COUNTED)], SCALE) == sentence


def test_a_gain_is_a_yes_and_a_smaller_distance_is_said_to_be_better() -> None:
    gain = replace(EFFECT, verdict=Verdict.HELPS, mean=0.02, arm_mean=0.531)
    assert plain_sentences(BEATS, [gain], SCALE).startswith("Yes: mp is 2.0 points more accurate than sta")
    nearer = replace(gain, metric=DISTANCE, mean=-3.0, arm_mean=20.0, baseline_mean=23.0)
    said = plain_sentences("Which generator is it?", [nearer], Scale.of(DISTANCE, [1.0]))
    assert said == "With mp, test fid is 3.0 lower than with sta (23.0 → 20.0), which is better."


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("test/robust_accuracy.worst_case", "mp is 4.4 points less robust than sta (51.1 → 46.7 %)."),
        ("test/robust_accuracy.pgd", "mp is 4.4 points less robust against pgd than sta (51.1 → 46.7 %)."),
        (
            "validation/robust_accuracy.worst_case",
            "With mp, validation robust accuracy (worst case) is 4.4 points lower than with sta (51.1 → 46.7 %).",
        ),
    ],
)
def test_robustness_on_test_data_is_a_quality_of_the_arm(metric: str, said: str) -> None:
    effect = replace(EFFECT, metric=complete_metric(metric))
    assert plain_sentences("Which is it?", [effect], SCALE) == said


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        (BEATS, True),
        ("On MNIST, does MP beat STA?", True),
        ("Around the best, does mixed perturbation (MP) or the multi-task attack (MTA) beat (STA)?", True),
        ("Is mp more robust than sta?", True),
        ("Is STA better than MP?", False),
        ("Does MP hurt, or help?", False),
        ("Is MP no better than STA?", False),
        ("Which is better, mp or sta?", False),
        ("How much does mp cost?", False),
        ("Does the camp beat sta?", False),
        ("", False),
    ],
)
def test_yes_or_no_is_said_only_where_the_question_asks_whether_this_arm_improves(question: str, asked: bool) -> None:
    assert asks_whether_it_improves(question, EFFECT) is asked
    said = plain_sentences(question, [EFFECT], SCALE)
    assert said.startswith("No: mp is" if asked else "mp is")


def test_many_comparisons_are_counted() -> None:
    verdicts = [Verdict.HELPS, Verdict.HURTS, Verdict.HURTS, Verdict.NO_DIFFERENCE, Verdict.UNSETTLED]
    effects = [replace(EFFECT, name=f"arm{i}", verdict=verdict) for i, verdict in enumerate(verdicts)]
    assert plain_sentences(BEATS, effects, SCALE) == (
        "Of 5 comparisons, 1 is better than sta (arm0), 2 are worse than sta (arm1 and arm2), 1 is without a difference"
        " shown and 1 is not settled."
    )


def test_what_has_no_interval_yet_and_interactions_have_no_plain_sentence() -> None:
    nothing = replace(EFFECT, verdict=Verdict.UNSETTLED, low=None, high=None)
    assert plain_sentences(BEATS, [nothing, replace(EFFECT, kind="interaction")], SCALE) == ""


@pytest.mark.parametrize(("arm", "baseline"), [("mixing=on", "mixing=off"), ("k=2", "k=0"), ("a", "b"), ("2", "0")])
def test_words_and_numbers_that_any_question_may_have_name_no_arm(arm: str, baseline: str) -> None:
    effect = replace(EFFECT, name=arm, arm=arm, baseline=baseline)
    assert not asks_whether_it_improves("On 2 sets, is a larger warm-up better?", effect)
    assert asks_whether_it_improves("On 2 sets, does perturbation mp help?", replace(effect, arm="perturbation=mp"))
