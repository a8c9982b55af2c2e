"""Which trials are checked at the end of a study: those that would have the badge, and the baseline beside them."""

from __future__ import annotations

from saddle.analyse.to_check import to_check
from saddle.study.trainable.loading import load_trainable
from saddle.studyfile.loader import parse_studies
from saddle.trial.record import TrialRecord
from tests.support.records import make_record
from tests.support.results import results_of

SELECTION, TEST = "validation/robust_accuracy.worst_case", "test/robust_accuracy.worst_case"

SEARCH = f"""
study: s
question: Which?
trainable: adversarial_training
fixed: {{dataset: digits}}
search: {{lr: {{float: [0.001, 0.1]}}}}
objective: {{maximize: {SELECTION}}}
sampler: {{random: {{seed: 0}}}}
budget: {{trials: 3}}
"""
ABLATION = """
study: a
question: Which?
trainable: adversarial_training
fixed: {dataset: digits, tasks: [odd_even]}
ablation: {baseline: {perturbation: sta}, factors: {perturbation: [sta, mta, mp]}, seeds: 2}
"""


def chosen(text: str, entries: list[TrialRecord]) -> list[str]:
    [study] = parse_studies(text, "s.yaml")
    declared = load_trainable("adversarial_training")
    baseline = dict(study.ablation.baseline) if study.ablation is not None else None
    return [entry.key for entry in to_check(results_of(study, declared, entries, baseline))]


def trial(key: str, value: float, **more: object) -> TrialRecord:
    facts: dict[str, object] = {"seed": 0, "outcome": "completed", "settings": {}, **more}
    return make_record(key=key, study="s", params={}, metrics={SELECTION: value, TEST: value}, **facts)  # type: ignore[arg-type]


def replicates(levels: dict[str, tuple[float, float]]) -> list[TrialRecord]:
    return [
        trial(f"{arm}-{seed}", value, seed=seed, arm=f"perturbation={arm}", settings={"perturbation": arm})
        for arm, values in levels.items()
        for seed, value in enumerate(values)
    ]


def test_of_a_search_it_is_the_best() -> None:
    values = {"a": 0.3, "b": 0.5, "c": 0.4}
    entries = [trial(key, value, number=number) for number, (key, value) in enumerate(values.items())]
    assert chosen(SEARCH, entries) == ["b"]
    assert chosen(SEARCH, []) == []


def test_of_an_ablation_it_is_the_best_arm_and_the_baseline() -> None:
    levels = {"sta": (0.40, 0.41), "mta": (0.30, 0.60), "mp": (0.50, 0.49)}
    assert chosen(ABLATION, replicates(levels)) == ["mp-0", "sta-1"]


def test_a_baseline_that_is_the_best_is_checked_once() -> None:
    levels = {"sta": (0.60, 0.61), "mta": (0.30, 0.31), "mp": (0.50, 0.49)}
    assert chosen(ABLATION, replicates(levels)) == ["sta-1"]


def test_arms_without_a_completed_replicate_are_passed_over() -> None:
    entries = replicates({"sta": (0.4, 0.41), "mp": (0.5, 0.49)})
    failed = [trial("mta-0", 0.9, arm="perturbation=mta", outcome="failed")]
    assert chosen(ABLATION, [*entries, *failed]) == ["mp-0", "sta-1"]
