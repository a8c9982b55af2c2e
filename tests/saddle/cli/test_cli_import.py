"""`saddle import`: a table of results as a study that is read as any other, is added to, and is not changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from saddle.api import load
from saddle.archive.studies import StoredStudy, read_study
from saddle.cli.app import app
from saddle.report.markdown import render_markdown
from saddle.report.study_report import StudyReport
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.track.opening import tracking_uri
from saddle.verify.verify_study import verify_study

FASTAT = Path(__file__).parents[4] / "shared/reference/fastat/results.csv"
LEVELS = {"plain": 50.0, "madry": 58.0, "trades": 50.1}


def write_table(folder: Path, seeds: Sequence[int] = range(5), levels: Mapping[str, float] = LEVELS) -> Path:
    lines = ["method,seed,dataset,accuracy,seconds"]
    for dataset, shift in (("mnist", 20.0), ("svhn", 0.0)):
        for place, (arm, level) in enumerate(levels.items()):
            for seed in seeds:
                noise = 0.1 * ((seed * (2 + place) + len(dataset)) % 5)
                lines.append(f"{arm},{seed},{dataset},{level + shift + noise + seed:.2f},{100 + seed}")
    path = folder / "results.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def import_it(folder: Path, *more: str, table: str = "results.csv") -> Result:
    return run(
        "import", str(folder / table), "--study", "methods", "--arm", "method", "--seed", "seed", "--metric",
        "accuracy", "--metric", "seconds", "--baseline", "plain", "--unit", "accuracy=percent", "--unit", "seconds=s",
        "--storage", str(folder / "kept"), *more,
    )  # fmt: skip


BLOCKS = ("--block", "dataset")
QUIET = (*BLOCKS, "--no-mlflow")


def stored(folder: Path) -> tuple[LocalStore, StoredStudy]:
    store = LocalStore(folder / "kept")
    study = read_study(store, "methods")
    assert study is not None
    return store, study


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    write_table(tmp_path)
    result = import_it(tmp_path, *QUIET)
    assert result.exit_code == 0, result.output
    assert "methods: 30 trials imported, 30 in all" in result.output
    return tmp_path


def test_its_answer_is_that_of_a_study_that_was_trained_here(imported: Path) -> None:
    store, study = stored(imported)
    results = study.read_results(store)
    assert {effect.arm: effect.verdict_text for effect in results.answer.effects} == {
        "madry": "helps", "trades": "no difference shown",
    }  # fmt: skip
    effect = results.answer.effects[0]
    assert effect.mean == pytest.approx(0.08, abs=0.005)
    assert effect.metric.is_fraction
    assert run("verdict", "methods", "--arm", "madry", "--expect", "helps", "--storage", store.url).exit_code == 0


def test_its_trials_say_that_they_were_imported_and_count_as_nothing_trained(imported: Path) -> None:
    store, study = stored(imported)
    for record in Ledger(store, study.run):
        assert set(record.sources.values()) == {"imported"}
        assert record.fingerprints["imported"]["table"] == "results.csv"
        assert (record.epochs, record.seconds, record.attempts, dict(record.checkpoints)) == (0, 0.0, 0, {})
    page = render_markdown(StudyReport(study.read_results(store)))
    assert "30 replicates imported, trained elsewhere" in page
    assert "trained to its end" not in page
    assert "of training" not in page
    assert "saddle import results.csv --study methods --arm method" in page
    assert "Imported from results.csv" in page
    assert "declared after its results were known" in page
    html = store.read("studies/methods/report.html").decode()
    assert "imported; trained elsewhere" in html


def test_reading_commands_work_without_a_trainable(imported: Path) -> None:
    where = ("--storage", str(imported / "kept"))
    assert "finished · 30/30 trials" in run("status", "methods", *where).output
    assert "methods" in run("studies", *where).output
    assert len(json.loads(run("results", "methods", "--json", *where).output)) == 30
    assert run("report", "methods", *where).exit_code == 0
    assert len(load("methods", storage=imported / "kept").trials) == 30
    verified = run("verify", "methods", *where)
    assert (verified.exit_code, "everything agrees" in verified.output) == (0, True)
    for command in ("evaluate", "export"):
        refused = run(command, "methods", *where)
        assert refused.exit_code == 2
        assert "imported from a table" in refused.output


def test_its_spread_plans_another_study(tmp_path: Path) -> None:
    write_table(tmp_path)
    assert import_it(tmp_path, *QUIET, "--metric", "accuracy=test/score").exit_code == 0
    (tmp_path / "next.yaml").write_text(
        "study: next\nquestion: Does x help?\ntrainable: parabola\nablation:\n  baseline: {x: 0.3}\n"
        "  factors: {x: [0.3, 0.5]}\n  seeds: 4\n  compare: {metric: test/score}\n"
    )
    planned = run("plan", str(tmp_path / "next.yaml"), "--pilot", "methods", "--storage", str(tmp_path / "kept"))
    assert "from methods" in planned.output, planned.output


def test_the_same_table_again_is_nothing_to_do(imported: Path) -> None:
    folder = imported / "kept/studies/methods"
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = import_it(imported, *QUIET)
    assert again.exit_code == 0
    assert "nothing to do, all 30 trials of the table are imported" in again.output
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_more_seeds_extend_it_and_the_plan_log_says_so(imported: Path) -> None:
    write_table(imported, range(7))
    added = import_it(imported, *QUIET)
    assert "methods: 12 trials imported, 42 in all" in added.output, added.output
    store, study = stored(imported)
    assert study.study.seed_list == [0, 1, 2, 3, 4, 5, 6]
    assert study.history.text == "5 seeds → 7 seeds when 30 trials had ended"
    assert verify_study(store, study.run).clean


def test_a_changed_table_is_refused_with_the_difference(imported: Path) -> None:
    table = imported / "results.csv"
    lines = table.read_text().splitlines()
    changed = next(line for line in lines if line.startswith("madry,2,svhn"))
    gone = next(line for line in lines if line.startswith("trades,4,mnist"))
    old = changed.split(",")[3]
    table.write_text(
        "\n".join(line.replace(old, "12.5") if line == changed else line for line in lines if line != gone)
    )
    refused = import_it(imported, *QUIET)
    assert refused.exit_code == 2
    expected = f"method=madry, seed 2, dataset=svhn: test/accuracy {float(old) / 100:g} → 0.125"
    assert expected in refused.output
    assert "method=trades, seed 4, dataset=mnist is no longer in the table" in refused.output
    fresh = import_it(imported, *QUIET, "--fresh")
    assert "methods: 29 trials imported, 29 in all" in fresh.output
    assert "Incomplete: 1 of 15 replicates are not in the table." in fresh.output


def test_another_arm_or_baseline_is_another_study(imported: Path) -> None:
    write_table(imported, levels={**LEVELS, "awp": 60.0})
    refused = import_it(imported, *QUIET)
    assert (refused.exit_code, "ablation.factors.method" in refused.output) == (2, True)


def test_settings_of_the_comparison_can_be_set(tmp_path: Path) -> None:
    write_table(tmp_path)
    margin = "ablation.compare.equivalence=0.02"
    result = import_it(tmp_path, *QUIET, "--set", margin)
    assert result.exit_code == 0, result.output
    _, study = stored(tmp_path)
    assert study.study.ablation is not None
    assert study.study.ablation.compare.equivalence == 0.02
    assert study.declared.imported is not None
    assert f"--set {margin}" in study.declared.imported.command


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "plain with seed 0 is also in line 2; name the column that distinguishes them with --block"),
        (
            (*BLOCKS, "--baseline", "plane"),
            "the baseline 'plane' is not one of the arms in column method; did you",
        ),
        ((*BLOCKS, "--where", "dataset=cifar"), "no row of results.csv has dataset=cifar"),
        ((*BLOCKS, "--metric", "robust"), "results.csv has no column 'robust'"),
        ((*BLOCKS, "--set", "ablation.compare.alpha=2"), "ablation.compare.alpha"),
    ],
)
def test_wrong_input_ends_with_two_and_stores_nothing(tmp_path: Path, more: tuple[str, ...], said: str) -> None:
    write_table(tmp_path)
    result = import_it(tmp_path, "--no-mlflow", *more)
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert not (tmp_path / "kept/studies/methods").exists()


def test_one_block_alone_is_a_setting_that_all_trials_share(tmp_path: Path) -> None:
    write_table(tmp_path)
    assert import_it(tmp_path, "--no-mlflow", "--where", "dataset=svhn").exit_code == 0
    store, study = stored(tmp_path)
    assert study.study.fixed == {"dataset": "svhn"}
    assert len(study.read_results(store).records) == 15


def test_a_study_that_was_run_here_is_not_added_to(imported: Path) -> None:
    store, _ = stored(imported)
    facts = json.loads(store.read("studies/methods/trainable.json"))
    del facts["imported"]
    store.write("studies/methods/trainable.json", json.dumps(facts).encode())
    refused = import_it(imported, *QUIET)
    assert (refused.exit_code, "is a study that was run here" in refused.output) == (2, True)


@pytest.mark.long
def test_mlflow_knows_the_arms_and_trials(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    write_table(tmp_path)
    assert import_it(tmp_path, "--where", "dataset=svhn").exit_code == 0
    write_table(tmp_path, range(6))
    assert import_it(tmp_path, "--where", "dataset=svhn").exit_code == 0
    store, study = stored(tmp_path)
    client = MlflowClient(tracking_uri(store))
    [experiment] = client.search_experiments(filter_string="name = 'methods'")
    runs = client.search_runs([experiment.experiment_id], max_results=100)
    levels = [each.data.tags["saddle.level"] for each in runs]
    assert {level: levels.count(level) for level in levels} == {"study": 1, "arm": 3, "trial": 18}
    assert {each.info.status for each in runs} == {"FINISHED"}
    trial = next(each for each in runs if each.data.tags["saddle.level"] == "trial")
    assert "results.csv" in trial.data.tags["saddle.imported"]
    assert not verify_study(store, study.run).differences


@pytest.mark.long
@pytest.mark.skipif(not FASTAT.exists(), reason="the reference table of the FastAT benchmark is not here")
def test_a_published_benchmark_is_answered(tmp_path: Path) -> None:
    result = run(
        "import", str(FASTAT), "--study", "fastat", "--arm", "method", "--seed", "seed", "--baseline", "pgd_at",
        "--metric", "autoattack=test/robust_accuracy.autoattack", "--metric", "clean=test/clean_accuracy",
        "--unit", "percent", "--block", "dataset", "--no-mlflow", "--storage", str(tmp_path),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "fastat: 186 trials imported" in result.output
    study = read_study(LocalStore(tmp_path), "fastat")
    assert study is not None
    effects = {effect.arm: effect for effect in study.read_results(LocalStore(tmp_path)).answer.effects}
    assert len(effects) == 20
    assert effects["pgd_at_wa"].verdict_text == "helps"
    assert effects["pgd_at_wa"].mean == pytest.approx(0.0479, abs=5e-5)  # 32.387 - 27.601, by hand from the table
    assert effects["n_aaer"].n == 0  # which the table has no tiny-imagenet of
