"""What `saddle plan` says before anything runs: arms, trials, time, disk, and what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from saddle.archive.studies import settle_study
from saddle.cli.output.plan_display import assumed_names
from saddle.execute.plan.cost_estimate import (
    ENOUGH,
    GPU_OPERATIONS_PER_SECOND,
    GPU_SOURCE,
    OPERATIONS_PER_SECOND,
    EarlierTrials,
    estimate_trial,
    spread_out,
)
from saddle.execute.plan.study_plan import plan_study
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.study.models import Resources
from saddle.study.trainable.loading import load_trainable
from saddle.studyfile.loader import load_studies, parse_studies
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from tests.support.records import make_record
from tests.support.stored import store_ablation
from trainables.adversarial_training.attacks.costs import FORWARD_AND_INPUT
from trainables.adversarial_training.cost import FORWARD_AND_ALL, network_size

PARABOLA = """\
study: mine
trainable: parabola
fixed: {epochs: 4}
search: {x: {float: [0, 1]}}
objective: {maximize: validation/score}
sampler: random
budget: {trials: 5}
"""


def entry(key: str, **changes: Any) -> TrialRecord:
    params = {"x": 0.5, "epochs": 4}
    facts = {"seed": 0, "outcome": "completed", "params": params, "settings": {}, "metrics": {}, "epochs": 4}
    return make_record(key=key, study="mine", **{**facts, "seconds": 8.0, **changes})


def test_a_nightlys_references_are_planned(saddle) -> None:
    assert "first trains 90 trials as references, over as many nights as it takes; later 9 a night" in " ".join(
        saddle("plan", "nightly").stdout.split()
    )


def test_the_quickstart_is_planned_on_a_fresh_machine(saddle) -> None:
    search, ablation = json.loads(saddle("plan", "quickstart", "--json").stdout)
    assert (search["trials"], ablation["trials"]) == (10, 9)
    assert [arm["perturbation"] for arm in ablation["arms"]] == ["sta", "mta", "mp"]
    assert ablation["seeds"] == [1, 2, 3], "the search's trials have seed 0"
    assert "lr" not in search["assumed"], "what is searched rests on no default"
    assert 5 < search["seconds"] < 1000
    assert 1e5 < search["bytes"] < 1e8
    assert any("exact permutation test can't go below p = 0.25" in note for note in ablation["notes"])
    [unsettled] = [note for note in ablation["notes"] if "best trial of quickstart-search" in note]
    assert "run it first" not in unsettled, "a run of the file does so by itself"
    assert not Path("runs").exists(), "a plan leaves nothing behind"


def test_a_plan_for_people_says_the_same(saddle) -> None:
    shown = saddle("plan", "quickstart").stdout
    for part in ("0.0005 … 0.02 (log)", "10 trials by tpe, early stopping: asha", "3 arms × 3 paired seeds = 9 trials"):
        assert part in shown
    assert ", if no trial stops early; disk: " in shown


def test_more_seeds_take_longer(saddle) -> None:
    three, eight = (
        json.loads(saddle("plan", "quickstart", "--set", f"quickstart-ablation:ablation.seeds={n}", "--json").stdout)[1]
        for n in (3, 8)
    )
    assert eight["trials"] == 24
    assert eight["seconds"] > 2 * three["seconds"] - 10
    assert not any("permutation" in note for note in eight["notes"])


def test_data_that_is_not_here_is_a_note_not_an_error(saddle, tmp_path: Path) -> None:
    result = saddle("plan", "quickstart", "--set", "fixed.dataset=mnist", "--data-root", tmp_path)
    assert result.exit_code == 0
    assert f"mnist is not in {tmp_path}; fetch it with: saddle data fetch mnist" in result.stdout


def test_operations_are_counted_until_a_trial_was_measured(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    [search, _] = load_studies("quickstart")
    method = load_trainable("adversarial_training")
    plan = plan_study(search, store)
    operations, state = method.estimate(method.Config.model_validate(plan.config))
    assert plan.per_trial.seconds == pytest.approx(operations / OPERATIONS_PER_SECOND)
    assert plan.per_trial.bytes > 3 * state
    assert plan.per_trial.basis.startswith("counted")


LARGE = """\
study: large
question: Is MP better?
trainable: adversarial_training
recipe: customary
scale: full
fixed: {dataset: cifar10, tasks: [animal_vehicle]}
resources: {RESOURCES}
ablation: {factors: {perturbation: [sta, mp]}, seeds: 3}
"""


def planned(resources: str, store: LocalStore, **given: Any) -> Any:
    [study] = parse_studies(LARGE.replace("RESOURCES", resources), "large.yaml")
    return plan_study(study, store, **given)


def test_a_full_study_says_no_hours_of_an_unmeasured_cpu(saddle, tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    plan = planned("workers: 1", store)
    assert (plan.seconds, plan.gpu_hours) == (None, None)
    assert plan.per_trial.operations > 1e17
    assert "has not been measured" in plan.per_trial.basis
    (tmp_path / "large.yaml").write_text(LARGE.replace("RESOURCES", "workers: 1"))
    shown = " ".join(saddle("plan", tmp_path / "large.yaml").stdout.split())
    assert "time: unknown; disk: " in shown
    assert "multiply-adds a trial; how fast a CPU is in so much work has not been measured" in shown


def test_gpu_hours_are_counted_for_the_gpus_asked_for_and_say_whose_pace_it_is(saddle, tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    one, two = (planned(f"workers: {n}, gpus_per_worker: 1", store) for n in (1, 2))
    hours = one.per_trial.operations / GPU_OPERATIONS_PER_SECOND / 3600
    assert one.per_trial.seconds == pytest.approx(3600 * hours)
    assert two.per_trial.seconds == pytest.approx(1800 * hours)
    assert one.gpu_hours == two.gpu_hours == pytest.approx(6 * hours)
    assert GPU_SOURCE in one.per_trial.basis
    given = planned("workers: 1, gpus_per_worker: 0.5", store, gpu_throughput=4e13)
    assert given.per_trial.seconds == pytest.approx(one.per_trial.operations / 2e13)
    assert given.gpu_hours == pytest.approx(6 * given.per_trial.operations / 4e13 / 3600)
    assert "4e+13 a second and GPU, as given" in given.per_trial.basis
    (tmp_path / "large.yaml").write_text(LARGE.replace("RESOURCES", "gpus_per_worker: 1"))
    shown = " ".join(saddle("plan", tmp_path / "large.yaml").stdout.split())
    assert f"{one.gpu_hours:,.1f} GPU-hours; disk: " in shown
    assert "customary; FastAT Benchmark (Pan and Yao, 2026): optimizer sgd, lr 0.1, weight_decay 0.0005" in shown
    refused = saddle("plan", tmp_path / "large.yaml", "--gpu-throughput", "0")
    assert refused.exit_code == 2
    assert "--gpu-throughput 0 is not above zero" in refused.stderr


def test_the_pace_of_a_gpu_is_that_of_its_source() -> None:
    """FastAT's seconds, and the multiply-adds of PGD-AT that a plan would count for the same training."""
    method = load_trainable("adversarial_training")
    size = network_size(method.Config(dataset="cifar10", network="resnet18", width=64))  # type: ignore[arg-type]
    passes_of_an_image = FORWARD_AND_ALL + 10 * FORWARD_AND_INPUT
    assert 100 * 50_000 * passes_of_an_image * size.macs / 6_954 == pytest.approx(GPU_OPERATIONS_PER_SECOND, rel=0.01)


def test_what_ran_on_a_cpu_says_nothing_of_a_gpu(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    [study] = parse_studies(PARABOLA, "mine.yaml")
    settle_study(store, study, None, fresh=False)
    Ledger(store, RunId("mine")).add(entry("trial-00000"))
    method = load_trainable("parabola")
    on_gpu = Resources(gpus_per_worker=1)
    assert estimate_trial(store, method, [method.Config(epochs=4)]).seconds == pytest.approx(8)
    assert estimate_trial(store, method, [method.Config(epochs=4)], on_gpu).seconds is None


def test_time_and_disk_are_measured_on_earlier_trials(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    [study] = parse_studies(PARABOLA, "mine.yaml")
    method = load_trainable("parabola")
    configs = [method.Config(epochs=4)]
    unknown = estimate_trial(store, method, configs)
    assert (unknown.seconds, unknown.bytes) == (None, None)
    assert unknown.basis == "known once a trial of parabola has run in this storage"

    settle_study(store, study, None, fresh=False)
    ledger = Ledger(store, RunId("mine"))
    ledger.add(entry("trial-00000"))
    ledger.add(entry("trial-00001", epochs=2, seconds=4.0, outcome="pruned"))
    ledger.add(entry("trial-00002", params={"x": 0.5, "gone": 1}, seconds=500.0))
    ledger.add(entry("trial-00003", epochs=0, seconds=0.0, outcome="failed"))
    store.write("studies/mine/trials/trial-00000/checkpoints/epoch-00004.pt", bytes(1000))
    measured = estimate_trial(store, method, [method.Config(epochs=10)])
    assert measured.seconds == pytest.approx(20.0), "two seconds an epoch; a configuration of old is left out"
    assert measured.basis == "measured on 3 earlier trials in this storage"
    plan = plan_study(study, store)
    assert (plan.trials, plan.done) == (5, 4)
    assert 8 < plan.seconds < 20


def test_estimates_rest_on_trials_of_studies_spread_over_the_storage(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for number in range(12):
        [study] = parse_studies(PARABOLA.replace("mine", f"study-{number:02}"), "mine.yaml")
        settle_study(store, study, None, fresh=False)
        for trial in range(12):
            Ledger(store, RunId(study.study)).add(entry(f"trial-{trial:05}"))
    measured = EarlierTrials(store).of("parabola", on_gpu=False)
    assert len(measured) == ENOUGH
    assert {run.study for run, _ in measured} >= {"study-00", "study-03", "study-06", "study-09"}


def test_a_plan_says_what_a_study_cannot_show_until_it_is_done(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    text = PARABOLA.replace("search: {x: {float: [0, 1]}}", "ablation: {factors: {x: [0.2, 0.8]}, seeds: 3}")
    text = text.partition("objective")[0]
    [study] = parse_studies(text, "mine.yaml")
    limit = "the exact permutation test can't go below"
    assert [note for note in plan_study(study, store).notes if limit in note]
    store_ablation(store, text, lambda record: {"validation/score": 0.5 + 0.1 * record.seed})
    plan = plan_study(study, store)
    assert plan.done == plan.trials
    assert not [note for note in plan.notes if limit in note]


def test_spreading_out_keeps_every_name_once() -> None:
    for count in range(10):
        names = [str(number) for number in range(count)]
        assert sorted(spread_out(names, 4)) == names


def test_a_study_that_cannot_be_read_hides_no_other(saddle, tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "runs")
    [study] = parse_studies(PARABOLA, "mine.yaml")
    settle_study(store, study, None, fresh=False)
    store.write("studies/odd/study.yaml", b"study: odd\ntrainable: uninstalled\n")
    store.write("studies/odd/instance.json", b'{"instance": "1", "baseline": null}')
    store.write("studies/torn/study.yaml", PARABOLA.replace("mine", "torn").encode())
    store.write("studies/torn/instance.json", b"{")
    rows = {row["study"]: row for row in json.loads(saddle("studies", "--json").stdout)}
    assert rows["mine"]["kind"] == "search"
    assert "can't be read" in rows["odd"]["question"]
    assert "nor an ablation" in rows["odd"]["question"]
    assert "instance.json is damaged" in rows["torn"]["question"]
    assert saddle("results", "torn").exit_code == 2
    Path("mine.yaml").write_text(PARABOLA)
    assert saddle("plan", "mine.yaml").exit_code == 0


def test_the_ablation_that_a_question_needs_is_printed_as_a_file_that_can_be_run(saddle, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(PARABOLA + "asks: x\n")
    [plan] = json.loads(saddle("plan", path, "--json").stdout)
    [ablation] = parse_studies(plan["follow_up"]["file"], "follow-up.yaml")
    assert (ablation.study, plan["follow_up"]["trials"]) == ("mine-x", 15)
    shown = saddle("plan", path).stdout
    assert "the question is about x, which no search answers" in shown
    assert all(f"    {line}" in shown for line in plan["follow_up"]["file"].splitlines())


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "nothing"),
        (2, "a0, a1"),
        (8, "a0, a1, a2, a3, a4, a5, a6, a7"),
        (9, "9 hyperparameters (a0, a1, a2, a3, a4, a5, a6, a7, …; saddle plan --json lists all)"),
    ],
)
def test_many_assumed_values_are_counted(count: int, shown: str) -> None:
    assert assumed_names([f"a{number}" for number in range(count)]) == shown
