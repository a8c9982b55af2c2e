"""Studies whose trainable is a file beside them: read, trained, kept with the run, opened elsewhere."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

import saddle
from saddle.archive.studies import read_study
from saddle.cli.app import app
from saddle.errors import NotForACluster, OwnSourcesError, StudyError, UserError
from saddle.store.local import LocalStore
from saddle.study.trainable.own_sources import forget_own_modules, read_sources
from saddle.studyfile.loader import load_studies
from saddle.submit.job_spec import pack
from tests.support import in_process
from tests.support.commands import Command
from tests.trainables.own_loop import moons

STUDY = """
study: moons
trainable: ./train.py:train
fixed: {epochs: 2}
search: {lr: {float: [0.01, 1.0], log: true}}
objective: {maximize: validation/accuracy}
sampler: random
budget: {trials: 2}
---
study: steps
trainable: ./train.py:train
ablation:
  baseline: {lr: 0.1, epochs: 2}
  factors: {lr: [0.1, 1.0]}
  seeds: 3
  compare: {metric: validation/accuracy}
"""

BARE = """
from helper import score

def train(config, run):
    for epoch in range(config.epochs):
        run.report({"validation/accuracy": score(config.lr, epoch)})
"""


@pytest.fixture(autouse=True)
def _no_modules_of_other_tests():
    yield
    forget_own_modules()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study beside a script that imports its neighbour."""
    there = tmp_path / "mine"
    there.mkdir()
    (there / "train.py").write_text(BARE)
    (there / "helper.py").write_text("def score(lr, epoch):\n    return 1 - lr / (epoch + 2)\n")
    (there / "moons.yaml").write_text(STUDY)
    return there


def run(folder: Path, store: LocalStore, text: str = STUDY) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        in_process.run_in_process(store, text, track=False)


def test_a_study_is_read_with_the_file_beside_it(folder: Path) -> None:
    search, ablation = load_studies(folder / "moons.yaml")
    assert (search.trainable, search.source.folder, len(search.source.checksum)) == (
        "./train.py:train",
        str(folder),
        16,
    )
    assert search == load_studies(folder / "moons.yaml")[0]
    assert ablation.source.terms.settings["lr"] in (0.01, 0.1)


def test_a_file_elsewhere_is_called_the_same(folder: Path) -> None:
    (folder / "studies").mkdir()
    (folder / "studies/moons.yaml").write_text(STUDY.replace("./train.py", "../train.py"))
    [search, _] = load_studies(folder / "studies/moons.yaml")
    assert (search.trainable, search.source.folder) == ("./train.py:train", str(folder))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("./trian.py:train", "there is no file"),
        ("./train.py:tarin", "has no tarin; write ./train.py:FUNCTION with the name of its training function"),
        ("./train.py", "lacks Config, METRICS"),
        ("./broken.py:train", "can't be imported: NameError: name 'nonsense' is not defined"),
        ("./json.py:train", "has the name of a module that is in use"),
    ],
)  # fmt: skip
def test_what_can_not_be_found_is_told_at_its_line(folder: Path, written: str, said: str) -> None:
    (folder / "broken.py").write_text("nonsense\n")
    (folder / "json.py").write_text("def train(config, run): ...\n")
    (folder / "moons.yaml").write_text(STUDY.replace("./train.py:train", written))
    with pytest.raises(StudyError) as caught:
        load_studies(folder / "moons.yaml")
    assert said in str(caught.value)
    assert "moons.yaml:3" in str(caught.value)
    assert "json" in sys.modules


def test_a_file_that_can_not_be_imported_leaves_nothing_on_the_path(folder: Path) -> None:
    """Its folder may hold a json.py, which whatever is imported later would take for the standard library's."""
    (folder / "broken.py").write_text("import beside\nnonsense\n")
    (folder / "beside.py").write_text("")
    (folder / "moons.yaml").write_text(STUDY.replace("./train.py:train", "./broken.py:train"))
    with pytest.raises(StudyError, match="nonsense"):
        load_studies(folder / "moons.yaml")
    assert str(folder) not in sys.path
    assert not {"broken", "beside"} & sys.modules.keys()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("  compare: {metric: validation/accuracy}\n", ""), "nothing says what is compared"),
        (("compare: {metric: validation/", "compare: {metric: test/"), "there is no evaluate(config, state, run)"),
        (("{metric: validation/accuracy}", "{metric: validation/perplexity}"), "is better large or small"),
    ],
)
def test_an_ablation_of_a_bare_function_says_what_it_compares(folder: Path, change: tuple[str, str], said: str) -> None:
    (folder / "moons.yaml").write_text(STUDY.replace(*change))
    with pytest.raises(StudyError) as caught:
        load_studies(folder / "moons.yaml")
    assert said in str(caught.value)


def test_a_bare_function_is_trained_and_its_report_says_what_it_does_without(folder: Path, tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "runs")
    run(folder, store)
    stored = read_study(store, "steps")
    assert stored is not None
    answer = stored.read_results(store).answer
    assert any("there is no evaluate" in warning for warning in answer.warnings)
    records = stored.read_results(store).records
    assert {record.outcome for record in records} == {"completed"}
    assert stored.declared.sources == stored.study.source.checksum
    with pytest.raises(UserError, match="can't be loaded: the file of the training function has no load"):
        saddle.load_model("moons", storage=store.url)
    for study in ("steps", "moons"):
        measured = CliRunner().invoke(app, ["evaluate", study, "--storage", store.url])
        assert (measured.exit_code, measured.stdout) == (2, "")
        assert f"trials of {study} can't be measured again: there is no evaluate" in measured.stderr


def test_a_stored_run_is_opened_without_its_folder(folder: Path, tmp_path: Path) -> None:
    shutil.copy(moons.__file__, folder / "train.py")
    store = LocalStore(tmp_path / "runs")
    run(folder, store)
    shutil.rmtree(folder)
    forget_own_modules()
    model = saddle.load_model("moons", storage=store.url)
    assert not model.training
    reported = CliRunner().invoke(app, ["report", "moons", "--storage", store.url])
    assert reported.exit_code == 0, reported.output


def test_a_changed_archive_is_not_run(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(moons.__file__, folder / "train.py")
    store = LocalStore(tmp_path / "runs")
    run(folder, store)
    [archive] = (tmp_path / "runs/studies/moons").glob("sources-*.zip")
    from saddle.store.run_files.source_archive import packed

    archive.write_bytes(packed({"train.py": b"raise SystemExit('run')\n"}))
    monkeypatch.setenv("SADDLE_CACHE", str(tmp_path / "another"))
    forget_own_modules()
    with pytest.raises(UserError, match="there is no study file here"):
        saddle.load_model("moons", storage=store.url)


def test_sources_are_python_files_of_the_folder_alone(folder: Path) -> None:
    for path in (".venv/x.py", "env2/pyvenv.cfg", "env2/y.py", "runs/z.py", "deep/w.py", "notes.txt"):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text("")
    assert list(read_sources(folder)) == ["deep/w.py", "helper.py", "train.py"]
    for number in range(600):
        (folder / f"deep/m{number}.py").write_text("")
    with pytest.raises(OwnSourcesError, match="into a folder of their own"):
        read_sources(folder)


def test_sources_travel_beside_the_study_file(folder: Path, tmp_path: Path) -> None:
    parcel = pack(str(folder / "moons.yaml"), [], "s3://bucket/x")
    made = tmp_path / "made"
    made.mkdir()
    sent = Path(parcel.runtime_environment(made)["working_dir"])
    assert sorted(path.name for path in sent.iterdir()) == ["helper.py", "moons.yaml", "train.py"]
    assert [study.study for study in load_studies(sent / "moons.yaml")] == ["moons", "steps"]
    (folder / "other").mkdir()
    shutil.copy(folder / "train.py", folder / "other/train.py")
    shutil.copy(folder / "helper.py", folder / "other/helper.py")
    (folder / "moons.yaml").write_text(STUDY.replace("./train.py", "./other/train.py", 1))
    with pytest.raises(NotForACluster, match="a study file for each folder"):
        pack(str(folder / "moons.yaml"), [], "s3://bucket/x")


PROGRAM = """
study: shell
trainable:
  command: bash train.sh {lr} {seed}
  metrics: {validation/accuracy: maximize, test/accuracy: maximize}
ablation:
  baseline: {lr: 0.3}
  factors: {lr: [0.3, 0.6]}
  seeds: 3
  compare: {metric: test/accuracy}
"""

SHELL = """
for epoch in 1 2; do
  echo "{\\"validation/accuracy\\": 0.$epoch$2, \\"test/accuracy\\": $1}"
done
"""


def test_a_program_in_another_language_is_trained_and_its_sources_are_kept(folder: Path, tmp_path: Path) -> None:
    (folder / "train.sh").write_text(SHELL)
    store = LocalStore(tmp_path / "runs")
    run(folder, store, PROGRAM)
    stored = read_study(store, "shell")
    assert stored is not None
    assert stored.study.source.command == "bash train.sh {lr} {seed}"
    records = stored.read_results(store).records
    assert {(record.outcome, record.metrics["test/accuracy"]) for record in records} == {
        ("completed", 0.3), ("completed", 0.6),
    }  # fmt: skip
    [archive] = (tmp_path / "runs/studies/shell").glob("sources-*.zip")
    assert "train.sh" in zipfile.ZipFile(archive).namelist()
    with pytest.raises(UserError, match="a program keeps its model to itself"):
        saddle.load_model(f"shell/{records[0].key}", storage=store.url)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("{lr} {seed}", "{seed}"), "lr is not passed to the program"),
        (("{lr} {seed}", "{rate} {lr}"), "{rate} in the command is not a setting of the study"),
        (("  command: bash", "  comand: bash"), "unknown key"),
        (("{validation/accuracy: maximize, test/accuracy: maximize}", "{}"), "metrics"),
    ],
)
def test_a_wrong_program_is_told_at_its_line(folder: Path, change: tuple[str, str], said: str) -> None:
    (folder / "shell.yaml").write_text(PROGRAM.replace(*change))
    with pytest.raises(StudyError) as caught:
        load_studies(folder / "shell.yaml")
    assert said in str(caught.value), str(caught.value)


@pytest.mark.long
def test_workers_of_a_cluster_train_it(folder: Path) -> None:
    command = Command(folder)
    said = command.run("run", "moons.yaml:moons", "--no-mlflow")
    assert "The best of 2 trials" in said
    rows = json.loads(command.run("results", "moons", "--json"))
    assert [row["outcome"] for row in rows] == ["completed"] * 2
