"""MLflow hears of an arm what a reader compares: means, the effect with its interval and p, failures, the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow.tracking import MlflowClient
from scipy import stats
from statsmodels.stats.multitest import multipletests

from saddle.design import make_arms, replicates
from saddle.store.local import LocalStore
from saddle.study.models import Study
from saddle.track.answer_payload import describe_answer, effect_tags
from saddle.track.arm_payload import describe_arms
from saddle.track.base import ArmSummary, StudySummary
from saddle.track.mlflow_tracker import MlflowTracker
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from tests.support.declared import declare
from tests.support.records import changed, make_record
from tests.support.results import results_of

METRIC = "test/robust_accuracy.worst_case"
TRAINABLE = declare(
    {"validation/robust_accuracy.worst_case": "maximize", METRIC: "maximize"},
    "validation/robust_accuracy.worst_case",
)
ROUNDED = 1e-4
"""MLflow is told five digits of what follows from the ledger."""
LEVELS = {"sta": 0.5, "mp": 0.6, "mta": 0.5}
"""The mean of each arm."""


def made(ablation: dict[str, Any], seeds: int = 6, collapsed: tuple[int, ...] = ()) -> tuple[Study, list[TrialRecord]]:
    study = Study.model_validate(
        {"study": "controls", "question": "Does MP help?", "trainable": "adversarial_training",
         "ablation": {"seeds": seeds, **ablation}}
    )  # fmt: skip
    assert study.ablation is not None
    noise = np.random.default_rng(0)
    entries = []
    for one in replicates(make_arms(study.ablation, {}), study.ablation.seed_list):
        kind = one.arm.settings.get("perturbation", "sta")
        value = LEVELS[kind] + 0.05 * noise.normal() * one.seed + 0.01 * noise.normal()
        lost = kind == "mta" and one.seed in collapsed
        entries.append(
            make_record(
                key=one.key, study="controls", seed=one.seed, outcome="collapsed" if lost else "completed", params={},
                settings=dict(one.arm.settings), arm=one.arm.name, started=1.7e9, ended=1.7e9 + 5, epochs=1,
                metrics={} if lost else {METRIC: value, "validation/clean_accuracy": 0.9, "test/odd": float("nan")},
            )
        )  # fmt: skip
    return study, entries


def told(study: Study, entries: list[TrialRecord], *, finished: bool = True) -> dict[str, ArmSummary]:
    return describe_arms(results_of(study, TRAINABLE, entries, {}), finished=finished)


def decisive(values: dict[tuple[Any, int], Any], arm: str, complete: float, sign: float) -> float:
    """The p of an arm's place in Holm's order: seeds that failed count as the worst value of the two arms."""
    ours, theirs = ([values[name, seed] for seed in range(6)] for name in (arm, "sta"))
    worst = min(value for value in (*ours, *theirs) if value is not None)
    test = stats.ttest_rel([worst if value is None else value for value in ours], theirs)
    same_sign = float(test.statistic) * sign > 0
    return max(complete, float(test.pvalue)) if same_sign else float(test.pvalue)


def test_mlflow_shows_the_numbers_of_every_arm(tmp_path: Path) -> None:
    study, entries = made({"factors": {"perturbation": ["sta", "mp", "mta"]}}, collapsed=(0, 1))
    run = RunId("controls", "inst")
    tracker = MlflowTracker(f"sqlite:///{tmp_path}/mlflow.db", run, LocalStore(tmp_path / "store"))
    tracker.start_study({}, {}, [])
    for entry in entries:
        tracker.start_trial(entry.progress)
        tracker.finish_trial(entry, [])
    tracker.finish_study("FINISHED", told(study, entries), StudySummary(), [])
    assert tracker.close(180) is None
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("controls")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "tags.`saddle.level` = 'arm'")
    found = {run.info.run_name: run.data for run in runs}
    assert sorted(found) == ["mp", "mta", "sta"]

    values = {(entry.settings["perturbation"], entry.seed): entry.metrics.get(METRIC) for entry in entries}
    p = []
    for arm, seeds in (("mp", range(6)), ("mta", range(2, 6))):
        metrics = found[arm].metrics
        ours = [values[arm, seed] for seed in seeds]
        test = stats.ttest_rel(ours, [values["sta", seed] for seed in seeds])
        low, high = test.confidence_interval(0.95)
        assert metrics[METRIC] == pytest.approx(np.mean(ours), rel=ROUNDED)
        assert metrics[f"{METRIC}.sd"] == pytest.approx(np.std(ours, ddof=1), rel=ROUNDED)
        assert metrics["seeds"] == metrics["effect.n"] == len(seeds)
        assert metrics["effect.mean"] == pytest.approx((low + high) / 2, rel=ROUNDED)
        # one of the two is tested at α / 2, so its interval is the wider one
        assert metrics["effect.low"] <= low + ROUNDED
        assert metrics["effect.high"] >= high - ROUNDED
        p.append((decisive(values, arm, float(test.pvalue), float(low + high)), metrics["effect.p"]))
        assert (metrics["effect.low"] <= 0 <= metrics["effect.high"]) == (metrics["effect.p"] > 0.05)
    raw, adjusted = zip(*p, strict=True)
    assert adjusted == pytest.approx(multipletests(raw, method="holm")[1], rel=ROUNDED)
    assert found["mta"].metrics["failure.rate"] == pytest.approx(2 / 6, rel=ROUNDED)
    assert found["mp"].metrics["failure.rate"] == 0
    assert found["mta"].metrics["failure.p"] == pytest.approx(0.5)  # two discordant seeds, one way
    baseline = found["sta"]
    assert not [name for name in baseline.metrics if name.startswith("effect.")]
    assert {data.tags["saddle.baseline"] for data in found.values()} == {"sta"}
    assert {data.tags["saddle.question"] for data in found.values()} == {"Does MP help?"}
    verdicts = {name: data.tags["saddle.verdict"] for name, data in found.items()}
    assert verdicts == {
        "mp": "helps" if found["mp"].metrics["effect.low"] > 0 else "no difference shown",
        "mta": "no difference shown",
        "sta": "baseline",
    }
    assert "mp against sta in test/robust" in found["mp"].tags["mlflow.note.content"]


def test_the_study_and_its_experiment_begin_with_verdict_and_answer(tmp_path: Path) -> None:
    study, entries = made({"factors": {"perturbation": ["sta", "mp"]}})
    results = results_of(study, TRAINABLE, entries, {})
    tracker = MlflowTracker(
        f"sqlite:///{tmp_path}/mlflow.db", RunId("controls", "inst"), LocalStore(tmp_path / "store")
    )
    tracker.start_study({}, {}, [])
    tracker.finish_study("FINISHED", {}, describe_answer(results, finished=True), [])
    assert tracker.close(180) is None
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("controls")
    assert experiment is not None
    [run] = client.search_runs([experiment.experiment_id])
    [effect] = results.answer.effects
    first = f"**{effect.verdict}** – {results.answer.plain}"
    for tags in (experiment.tags, run.data.tags):
        assert tags["mlflow.note.content"].splitlines()[0] == first
        assert "study: controls" in tags["mlflow.note.content"]
    assert run.data.metrics["effect"] == pytest.approx(effect.mean, rel=ROUNDED)
    assert run.data.metrics["p"] == pytest.approx(effect.p_adjusted, rel=ROUNDED)
    best = max(effect.arm_mean or 0.0, effect.baseline_mean or 0.0)
    assert run.data.metrics["best"] == pytest.approx(best, rel=ROUNDED)
    assert run.data.tags["saddle.effect_of"] == "mp"
    assert describe_answer(results, finished=False).description.startswith("Preliminary. **")


def test_verdicts_on_further_metrics_are_told_of_arm_and_study() -> None:
    asked = {"factors": {"perturbation": ["sta", "mp"]}, "compare": {"each": ["validation/clean_accuracy", METRIC]}}
    study, entries = made(asked)
    worse = [
        changed(entry, metrics={**entry.metrics, "validation/clean_accuracy": 0.8 + 0.001 * entry.seed})
        if entry.arm == "perturbation=mp" else entry
        for entry in entries
    ]  # fmt: skip
    results = results_of(study, TRAINABLE, worse, {})
    [clean] = [one for one in results.further if one.effect.metric.name == "validation/clean_accuracy"]
    arms = describe_arms(results, finished=True)
    told_of = arms["perturbation=mp"].metrics
    assert told_of["validation/clean_accuracy.effect.mean"] == pytest.approx(clean.effect.mean, rel=ROUNDED)
    assert told_of["validation/clean_accuracy.effect.p"] == pytest.approx(clean.effect.p_adjusted, rel=ROUNDED)
    assert told_of["validation/clean_accuracy.effect.p_over_all"] == pytest.approx(clean.p_over_all, rel=ROUNDED)
    assert arms["perturbation=mp"].tags["saddle.verdict: validation/clean_accuracy"] == "hurts"
    assert not [name for name in arms["perturbation=sta"].metrics if ".effect." in name]
    tags = describe_answer(results, finished=True).tags
    assert tags["saddle.each: validation/clean_accuracy"].startswith("mp: hurts, −9.7")
    assert f"saddle.each: {METRIC}" in tags


def test_what_is_not_finite_is_no_metric_of_an_arm() -> None:
    arms = told(*made({"factors": {"perturbation": ["sta", "mp"]}}))
    assert all(np.isfinite(value) for arm in arms.values() for value in arm.metrics.values())
    assert "test/odd" not in arms["perturbation=mp"].metrics


def test_an_interrupted_study_says_preliminary_but_of_what_a_race_has_settled() -> None:
    study, entries = made({"factors": {"perturbation": ["sta", "mp"]}})
    assert told(study, entries[:8], finished=False)["perturbation=mp"].tags["saddle.verdict"].startswith("preliminary")
    assert not told(study, entries)["perturbation=mp"].tags["saddle.verdict"].startswith("preliminary")
    raced, ran = made({"factors": {"perturbation": ["sta", "mp"]}, "race": "pocock"}, seeds=8)
    ran = [entry for entry in ran if entry.seed < 6]
    for index, entry in enumerate(ran):  # far apart, so that the race is over soon
        value = (0.9 if entry.settings["perturbation"] == "mp" else 0.2) + 0.001 * (index % 3)
        ran[index] = changed(entry, metrics={METRIC: value})
    assert told(raced, ran, finished=False)["perturbation=mp"].tags["saddle.verdict"] == "helps"


def test_effects_of_a_factorial_design_are_tags_of_the_study() -> None:
    factors = {"perturbation": ["sta", "mp"], "random_start": [True, False]}
    study, entries = made({"factors": factors, "design": "factorial"})
    results = results_of(study, TRAINABLE, entries, {})
    answer = results.answer
    tags = effect_tags(answer)
    assert sorted(tags) == [
        "saddle.interaction: perturbation: mp x random_start: false",
        "saddle.main effect: perturbation: mp",
        "saddle.main effect: random_start: false",
    ]
    assert tags["saddle.main effect: perturbation: mp"].startswith(answer.effects[0].verdict_text)
    arms = describe_arms(results, finished=True)
    assert not [name for arm in arms.values() for name in arm.metrics if name.startswith("effect.")]
    assert {arm.metrics["seeds"] for arm in arms.values()} == {6}
