"""Bad input: every mistake is told with exit code 2 and without a traceback, and nothing starts."""

from __future__ import annotations

import gzip
import hashlib
import sys
from pathlib import Path

import pytest

from trainables.datasets.formats.idx_sets import SIZES
from trainables.datasets.known.mnist import FILES

GOOD = """\
study: one
question: Which x is best?
trainable: parabola
search:
  x: {float: [0.0, 1.0]}
objective: {maximize: validation/score}
budget: {trials: 2}
sampler: random
"""


def nothing_started(storage: Path) -> bool:
    ray = sys.modules.get("ray")
    return not (storage / "studies").exists() and not (ray is not None and ray.is_initialized())


WRONG = {
    "unknown key": ("budget:", "budgte:", "study.yaml:7: budgte: unknown key 'budgte'; did you mean budget?"),
    "unknown trainable": ("parabola", "parabla", "study.yaml:3: trainable: unknown trainable 'parabla'"),
    "unknown hyperparameter": ("  x:", "  trubble:", "study.yaml:5: search.trubble: "),
    "unknown metric": ("validation/score", "validation/scor", "did you mean validation/score?"),
    "range upside down": ("[0.0, 1.0]", "[1.0, 0.0]", "study.yaml:5: search.x: the range is reversed"),
    "log from zero": ("[0.0, 1.0]", "[0.0, 1.0], log: true", "study.yaml:5: search.x: a log scale can't start at 0.0"),
    "condition on nothing": ("[0.0, 1.0]", "[0.0, 1.0], when: {mod: plain}", "did you mean mode?"),
    "test as objective": ("validation/score", "test/score", "study.yaml:6: objective.maximize: test/score is refused"),
    "early stopping with two objectives": (
        "{maximize: validation/score}",
        "[{maximize: validation/score}, {minimize: validation/cost}]\nearly_stopping: asha",
        "study.yaml:7: early_stopping: ",
    ),
    "a tag that would run code": ("one", "!!python/object/apply:os.system ['touch pwned']", "study.yaml:1"),
    "a name with separators": ("one", "../one", "study.yaml:1: study: '../one' can't be a study's name"),
}


@pytest.mark.parametrize("mistake", WRONG)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_wrong_study_file_is_explained(saddle, tmp_path: Path, command: str, mistake: str) -> None:
    old, new, message = WRONG[mistake]
    assert old in GOOD
    Path("study.yaml").write_text(GOOD.replace(old, new, 1))
    result = saddle(command, "study.yaml", "--storage", "kept")
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.splitlines()[-1] == "saddle: 1 mistake; nothing was started"
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert nothing_started(Path("kept"))
    assert not Path("pwned").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "study.yaml:1: the file is empty; a study starts with: study: NAME"),
        (b"\x00\xff\xfe\x93NUMPY" * 50, "study.yaml"),
        (b"{{{{", "study.yaml:1"),
        (b"- 1\n- 2\n", "study.yaml:1"),
    ],
    ids=["empty", "binary", "no YAML", "a list"],
)
def test_what_is_no_study_file_is_explained(saddle, content: bytes, message: str) -> None:
    Path("study.yaml").write_bytes(content)
    result = saddle("run", "study.yaml", "--storage", "kept")
    assert result.exit_code == 2
    assert message in result.stderr
    assert nothing_started(Path("kept"))


def test_all_mistakes_are_told_at_once_one_per_line(saddle) -> None:
    Path("study.yaml").write_text(GOOD.replace("parabola", "parabla").replace("budget", "budgte"))
    result = saddle("run", "study.yaml", "--set", "objectiv.maximize=validation/score")
    lines = result.stderr.splitlines()
    assert len(lines) >= 4
    places = {line.split(": ")[0] for line in lines[:-1]}
    assert places == {"--set objectiv.maximize=validation/score", "study.yaml:3", "study.yaml:7"}
    assert lines[-1] == f"saddle: {len(lines) - 1} mistakes; nothing was started"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "quikstart"), "did you mean quickstart?"),
        (("run", "quickstart", "--retry", "pruned"), "only failed and timed_out"),
        (("run", "quickstart", "--set", "quickstart-search:budget.trial=3"), "did you mean trials?"),
        (("run", "quickstart", "--data-root", "nowhere"), "nowhere is not a folder"),
        (("run", "quickstart", "--storage", "/proc/saddle"), "the storage /proc/saddle can't be written"),
        (("run", "quickstart", "--storage", "s4://bucket"), "did you mean s3://"),
        (("trainables", "adversarial_trainin"), "did you mean adversarial_training?"),
        (("trainables", "--recipe", "paper"), "--recipe, --scale and --set need a trainable"),
        (("trainables", "adversarial_training", "--recipe", "papers"), "did you mean 'paper'?"),
        (("trainables", "adversarial_training", "--set", "dataset"), "--set dataset sets nothing"),
        (("data", "stats", "minst"), "did you mean mnist?"),
        (("data", "stats"), "name one dataset"),
        (("data", "stats", "--parquet", "a", "b"), "a does not exist"),
        (("data", "stats", "digits", "--epsilon", "8/0"), "'8/0' is not a radius between 0 and 1"),
        (("data", "tasks", "gtsr"), "did you mean gtsrb?"),
        (("data", "fetch", "minst"), "did you mean 'mnist'?"),
        (("ui", "--no-browser"), "no studies in runs"),
        (("results", "nothing"), "nothing has been run in it yet"),
    ],
)
def test_a_wrong_argument_is_explained(saddle, arguments: tuple[str, ...], message: str) -> None:
    result = saddle(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""
    assert nothing_started(Path("runs"))


def test_a_shape_that_never_fits_is_refused_before_ray_starts(saddle) -> None:
    Path("study.yaml").write_text(GOOD + "resources: {cpus_per_worker: 4096}\n")
    result = saddle("run", "study.yaml")
    assert result.exit_code == 2
    assert "too few; lower resources.cpus_per_worker" in result.stderr
    assert nothing_started(Path("runs"))


def test_an_ablation_around_an_absent_search_is_refused_before_ray_starts(saddle) -> None:
    Path("study.yaml").write_text(
        "study: b\ntrainable: parabola\nablation: {baseline: {best_of: nowhere}, factors: {x: [0.1, 0.2]}, seeds: 3}\n"
    )
    result = saddle("run", "study.yaml")
    assert result.exit_code == 2
    assert "best trial of nowhere, which has not run in this storage; run it first" in result.stderr
    assert nothing_started(Path("runs"))


def test_an_absent_dataset_says_how_to_get_it(saddle, tmp_path: Path) -> None:
    result = saddle("run", "quickstart", "--set", "fixed.dataset=mnist", "--data-root", tmp_path)
    assert result.exit_code == 2
    assert f"dataset mnist is not in {tmp_path}/MNIST/raw" in result.stderr
    assert "saddle data fetch mnist" in result.stderr
    assert nothing_started(Path("runs"))


def test_a_corrupt_dataset_names_file_and_both_checksums(saddle, tmp_path: Path) -> None:
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name, size in SIZES.items():
        with gzip.open(folder / f"{name}.gz", "wb", compresslevel=1) as file:
            file.write(bytes(size))
    result = saddle("run", "quickstart", "--set", "fixed.dataset=mnist", "--data-root", tmp_path)
    assert result.exit_code == 2
    [name] = [name for name in SIZES if str(folder / f"{name}.gz") in result.stderr]
    assert FILES.sha256[name] in result.stderr
    assert hashlib.sha256(bytes(SIZES[name])).hexdigest() in result.stderr
    assert nothing_started(Path("runs"))


def test_own_data_is_looked_at_before_anything_starts(saddle) -> None:
    from PIL import Image

    for label, name in enumerate(("A", "B")):
        Path("own", name).mkdir(parents=True)
        for number in range(5):
            Image.new("L", (8, 8), 20 * number + label).save(f"own/{name}/{number}.png")
    study = """\
study: own
trainable: adversarial_training
fixed: {dataset: {folder: own}, tasks: {vowel: {E: 1, default: 0}}}
ablation: {factors: {perturbation: [sta, mp]}, seeds: 3}
"""
    Path("study.yaml").write_text(study)
    result = saddle("run", "study.yaml")
    assert result.exit_code == 2
    assert "task 'vowel' names class 'E', which the dataset doesn't have; choose from A, B" in result.stderr
    Path("study.yaml").write_text(study.replace("folder: own", "folder: elsewhere"))
    result = saddle("run", "study.yaml")
    assert result.exit_code == 2
    assert "dataset folder elsewhere does not exist" in result.stderr
    assert nothing_started(Path("runs"))
