"""Numbers of different evaluations are never compared silently, and a report says what its evaluation found."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from saddle.analyse.cautions import single_attack
from saddle.analyse.evaluation.above_clean import more_accurate_attacked
from saddle.analyse.evaluation.badge import reasons_against
from saddle.analyse.evaluation.draws import conditional_on
from saddle.analyse.evaluation.evaluations import comparable, declared_attacks, evaluation_cautions, otherwise_measured
from saddle.analyse.evaluation.found_by import failures_found
from saddle.analyse.evaluation.ladder import ladders, too_weak
from saddle.analyse.evaluation.predictions import Predictions, mcnemar, read_predictions
from saddle.analyse.evaluation.rank_agreement import rank_agreements
from saddle.analyse.study_comparison import compare_studies, view_of
from saddle.design import make_arms, replicates
from saddle.errors import OtherSamples
from saddle.study.models import Study
from saddle.trial.record import Measurement, TrialRecord
from tests.support.declared import declare
from tests.support.records import changed, make_record
from tests.support.results import results_of
from trainables import adversarial_training
from trainables.contract import complete_metric

WORST = "test/robust_accuracy.worst_case"
ROBUST = complete_metric(WORST)
FIELDS = ("attacks", "attack_steps")
TRAINABLE = replace(
    declare({WORST: "maximize"}, "validation/robust_accuracy.worst_case"),
    evaluation_fields=FIELDS,
    schema={"properties": {"test_subset": {}, "split_seed": {}}},
)
STUDY = Study.model_validate(
    {"study": "s", "trainable": "t", "ablation": {
        "baseline": {"p": "sta"}, "factors": {"p": ["sta", "mp"]}, "seeds": 3, "compare": {"metric": WORST}}}
)  # fmt: skip


def trials(params: Mapping[str, Any], study: Study = STUDY, gap: float = 0.1) -> list[TrialRecord]:
    assert study.ablation is not None
    arms = make_arms(study.ablation, study.ablation.baseline, {})
    found = []
    for one in replicates(arms, study.ablation.seed_list):
        value = 0.5 + gap * (not one.arm.is_baseline) + one.seed / 50 + one.seed * one.arm.is_baseline / 200
        metrics = {"test/clean_accuracy": 0.9, WORST: value, "validation/robust_accuracy.worst_case": value}
        found.append(
            make_record(
                one.key, study.study, one.seed, "completed", dict(params), one.arm.settings, metrics,
                arm=one.arm.name, started=float(one.seed), ended=one.seed + 1.0,
            )
        )  # fmt: skip
    return found


def again(entry: TrialRecord, when: float = 100.0, **evaluation: Any) -> TrialRecord:
    before = Measurement({WORST: entry.metrics[WORST]}, when=entry.ended)
    metrics = {**entry.metrics, WORST: entry.metrics[WORST] - 0.2}
    return changed(entry, evaluation=evaluation, measured=when, earlier=(before,), metrics=metrics)


def test_only_trials_that_are_measured_alike_are_compared() -> None:
    entries = trials({"attacks": ["pgd"], "attack_steps": 20})
    assert comparable(entries) is entries
    weak, *rest = entries
    mixed = [weak, *(again(entry, attacks=["standard"]) for entry in rest)]
    assert otherwise_measured(mixed) == [weak]
    [caution] = evaluation_cautions("s", mixed, FIELDS)
    assert results_of(STUDY, TRAINABLE, mixed, {"p": "sta"}).answer.warnings[0] == caution
    assert caution == (
        "1 of 6 completed trials are not measured again with attacks = [standard] yet, so their test metrics are left"
        " out here; saddle evaluate s --all measures them."
    )
    [effect] = results_of(STUDY, TRAINABLE, mixed, {"p": "sta"}).answer.effects
    assert effect.n == 2, "the seed whose baseline is measured otherwise is not a pair"
    assert results_of(STUDY, TRAINABLE, entries, {"p": "sta"}).answer.effects[0].n == 3


def test_what_differs_in_the_evaluation_of_arms_is_a_caution() -> None:
    entries = trials({"attacks": ["pgd"], "attack_steps": 20})
    assert not list(evaluation_cautions("s", entries, FIELDS))
    other = [changed(e, params={**e.params, "attack_steps": 100}) if e.arm != entries[0].arm else e for e in entries]
    [caution] = evaluation_cautions("s", other, FIELDS)
    assert "measured with different attack_steps (" in caution
    noted = [changed(e, fingerprints={"attacks": {"pgd": {"order": 1}}}) if e.seed else e for e in entries]
    [caution] = evaluation_cautions("s", noted, FIELDS)
    assert "measured by different versions of the attacks" in caution
    assert "saddle evaluate s --all --anew" in caution
    blocks = [changed(e, block={"dataset": str(e.seed)}, params={**e.params, "attack_steps": e.seed}) for e in entries]
    assert not list(evaluation_cautions("s", blocks, FIELDS)), "a dataset's own budget is not a difference between arms"


def test_studies_that_were_measured_differently_are_compared_with_a_note() -> None:
    entries = trials({"attacks": ["pgd"], "attack_steps": 20})

    def notes(others: list[TrialRecord]) -> list[str]:
        sides = [
            view_of(results_of(STUDY, TRAINABLE, found, {"p": "sta"}, name))
            for name, found in (("one", entries), ("two", others))
        ]
        return [note for note in compare_studies(sides).notes if "measured" in note]

    assert notes(entries) == []
    [note] = notes([again(entry, attacks=["standard"]) for entry in entries])
    assert note.startswith("one and two were measured in different ways (attacks = [pgd] and [standard])")
    [note] = notes([changed(entry, fingerprints={"attacks": {"pgd": {"order": 1}}}) for entry in entries])
    assert "other versions or budgets of the attacks" in note


@pytest.mark.parametrize(
    ("attacks", "said"), [(["quick"], True), ("quick", True), (["quick", "standard"], False), (["pgd"], False)]
)
def test_a_verdict_at_quick_evaluation_says_so(attacks: Any, said: bool) -> None:
    answer = results_of(STUDY, TRAINABLE, trials({"attacks": attacks}), {"p": "sta"}).answer
    assert (" At quick evaluation: mp helps" in answer.sentence) is said


def test_a_set_of_attacks_is_no_single_attack() -> None:
    [one] = single_attack(trials({"attacks": ["pgd"]}), ROBUST)
    assert "(pgd)" in one
    run = {"quick.apgd_t": {"order": 1}, "quick.square": {"order": 2}}
    entries = [changed(entry, fingerprints={"attacks": run}) for entry in trials({"attacks": ["quick"]})]
    assert not list(single_attack(entries, ROBUST))
    stopped_early = trials({"attacks": ["quick"]})
    assert not list(single_attack([*stopped_early, *entries], ROBUST)), "those say nothing of the test"


def test_a_trial_more_accurate_attacked_than_clean_has_no_badge_and_the_first_sentence_says_so() -> None:
    entries = trials({"attacks": ["pgd", "pgd_targeted"]})
    one_image = {"test/samples": 200.0, "test/robust_accuracy.pgd_targeted": 0.905}
    two_images = {"test/samples": 200.0, "test/robust_accuracy.pgd_targeted": 0.91}
    assert not reasons_against(changed(entries[0], metrics={**entries[0].metrics, **one_image}), TRAINABLE)
    flagged = changed(entries[0], metrics={**entries[0].metrics, **two_images})
    assert list(more_accurate_attacked(flagged, TRAINABLE)) == [
        "is more accurate under pgd_targeted than on clean data, by 1.0 points"
    ]
    sentence = results_of(STUDY, TRAINABLE, [flagged, *entries[1:]], {"p": "sta"}).answer.sentence
    assert sentence.startswith("The badge “best” is withheld from")
    assert "is more accurate under pgd_targeted than on clean data" in sentence.split(". ")[0]
    only_last = changed(entries[0], test_last={"test/clean_accuracy": 0.5, **two_images})
    assert reasons_against(only_last, TRAINABLE)
    in_a_set = changed(
        entries[0], metrics={**entries[0].metrics, "test/samples": 200.0, "test/robust_above_clean": 0.02}
    )
    assert "under an attack" in reasons_against(in_a_set, TRAINABLE)[0]


def test_each_failure_is_told_by_the_attack_that_found_it() -> None:
    run = {"standard.square": {"order": 3}, "standard.apgd_ce": {"order": 1}, "standard.apgd_t": {"order": 2}}
    blobs: dict[str, bytes] = {}

    def stored(key: str, first: list[int]) -> TrialRecord:
        buffer = io.BytesIO()
        np.save(buffer, np.array(first, dtype=np.int16))
        blobs[key] = buffer.getvalue()
        return make_record(
            key, "s", 0, "completed", {}, {}, {}, arrays={"found_by": key}, fingerprints={"attacks": run}
        )

    group = [stored("a", [0, 1, 1, 2, -1, -1, -1, -1, -1, -1]), stored("b", [0, 0, 1, 3, -1, -1, -1, -1, -1, -1])]
    lost = changed(group[0], key="c", arrays={"found_by": "gone"})

    def read(path: str) -> bytes:
        if path not in blobs:
            raise FileNotFoundError(path)
        return blobs[path]

    [found] = failures_found({"mp": [*group, lost], "sta": [changed(group[0], fingerprints={})]}, read)
    assert (found.name, found.trials, found.samples) == ("mp", 2, 10)
    assert list(found.attacks) == ["standard.apgd_ce", "standard.apgd_t", "standard.square"]
    assert found.attacks == pytest.approx({"standard.apgd_ce": 0.15, "standard.apgd_t": 0.05, "standard.square": 0.05})
    assert (found.clean_errors, found.robust) == (pytest.approx(0.15), pytest.approx(0.6))


def test_a_budget_ladder_that_moves_the_worst_case_is_a_caution() -> None:
    names = ("restarts_5", "steps_100", "steps_1000", "steps_20")
    rungs = dict(zip((f"test/budget_ladder.{name}" for name in names), (0.46, 0.49, 0.47, 0.498), strict=True))
    start = "test/budget_ladder.declared"
    known = declare(adversarial_training.METRICS)
    labels = [rung.label for rung in known.in_role("ladder rung", [start, *rungs])]
    assert labels == ["20 steps", "100 steps", "1,000 steps", "5 restarts"]
    assert {complete_metric(rung).label for rung in rungs} == {*labels}, "a name alone says the same"

    def one(**changes: float) -> TrialRecord:
        return make_record("k", "s", 0, "completed", {}, {}, {start: 0.5, **rungs, **changes})

    firm = one(**dict.fromkeys(rungs, 0.4951))
    found = ladders({"sta": [firm], "mp": [one(), one()], "mta": [changed(firm, metrics={WORST: 0.5})]}, known)
    assert [(each.name, each.trials, round(each.moved, 4)) for each in found] == [("sta", 1, 0.0049), ("mp", 2, 0.04)]
    [caution] = too_weak(found)
    assert caution.startswith("More steps and restarts lower the worst case of mp by 4.0 points")
    assert not list(too_weak(found[:1]))


def test_what_ran_for_what_another_found_is_no_other_evaluation() -> None:
    square = {"attack": "square", "steps": 200, "order": 1}
    longer = {"attack": "square", "steps": 5000, "order": 2, "escalated": True}
    entries = trials({"attacks": ["quick"]})
    plain = [changed(entry, fingerprints={"attacks": {"quick.square": square}}) for entry in entries]
    escalated = changed(plain[0], fingerprints={"attacks": {"quick.square": square, "quick_escalated.square": longer}})
    assert declared_attacks(escalated) == declared_attacks(plain[0])
    assert not list(evaluation_cautions("s", [escalated, *plain[1:]], ["attacks"]))
    other = changed(plain[0], fingerprints={"attacks": {"quick.square": {**square, "steps": 900}}})
    assert list(evaluation_cautions("s", [other, *plain[1:]], ["attacks"]))


def test_the_rank_agreement_of_validation_and_test_has_its_n() -> None:
    def trial(number: int, cheap: float, final: float, block: str = "") -> TrialRecord:
        metrics = {"validation/a": cheap, "test/a": final}
        place = {"dataset": block} if block else {}
        return make_record(str(number), "s", 0, "completed", {}, {}, metrics, number=number, block=place)

    entries = [trial(0, 0.1, 0.3), trial(1, 0.2, 0.2), trial(2, 0.3, 0.1), trial(3, 0.4, 0.25)]
    pruned = changed(trial(4, 0.9, 0.9), outcome="pruned")
    [found] = rank_agreements([*entries, pruned], "validation/a", "test/a", "maximize")
    assert found.n == 4
    assert found.ranks.kendall == pytest.approx(-1 / 3)
    assert found.chosen.number == 3
    assert (found.ranks.rank, found.ranks.loss) == (2, pytest.approx(0.05))
    assert rank_agreements(entries[:2], "validation/a", "test/a", "maximize") == []
    blocks = [trial(n, n / 10, n / 10, "a" if n < 3 else "b") for n in range(6)]
    assert [each.block for each in rank_agreements(blocks, "validation/a", "test/a", "maximize")] == [
        "dataset=a", "dataset=b",
    ]  # fmt: skip


def test_intervals_say_on_which_draws_they_are_conditional() -> None:
    assert STUDY.ablation is not None
    both = conditional_on(STUDY.ablation, ["test_subset", "split_seed", "lr"])
    assert "one draw of test images and one split into training and held-out images" in both
    assert "blocks over test_subset or split_seed" in both
    blocked = STUDY.ablation.model_copy(update={"blocks": {"test_subset": [0, 1]}})
    assert "one draw of test images" not in conditional_on(blocked, ["test_subset", "split_seed"])
    whole = STUDY.ablation.model_copy(update={"blocks": {"test_subset": [0, 1], "split_seed": [0, 1]}})
    assert conditional_on(whole, ["test_subset", "split_seed"]) == ""
    assert conditional_on(STUDY.ablation, ["lr"]) == ""
    answer = results_of(STUDY, TRAINABLE, trials({"attacks": ["pgd"]}), {"p": "sta"}).answer
    assert answer.conditional == both


def test_networks_are_paired_on_equal_draws_of_test_images_only() -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(4) % 2)

    def predicted(**params: int) -> Predictions:
        arrays = {"labels": "labels", "predictions.clean": "labels"}
        return read_predictions(
            make_record("k", "s", 0, "completed", params, {}, {}, arrays=arrays), lambda path: buffer.getvalue()
        )

    assert mcnemar(predicted(), predicted(test_subset=0)).both == 4, "older trials have the draw that 0 means"
    assert mcnemar(predicted(test_subset=1), predicted(test_subset=1, split_seed=3)).n == 4
    with pytest.raises(OtherSamples, match="their test_subset is 1 and 0"):
        mcnemar(predicted(test_subset=1), predicted())
