"""The page `docs/extending.md`: what it adds is added, in the files that it names, and passes its tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pages import ROOT, Piece, page_text, pieces, runs

PAGE = "docs/extending.md"
CODE = pieces("python", page=PAGE)
STUDY = pieces("yaml", page=PAGE)
NAMED = re.compile(r"`((?:trainables|tests)/[\w/]+/[a-z0-9_]+\.py)`")
COPIED = ("platform", "trainables", "search_spaces", "tests/support")

RUN = """
import sys
from trainables import adversarial_training as method
from trainables.contract import InProcessRun, resolve
from saddle.studyfile.loader import parse_studies
from test_cifar100_coarse import write
from pathlib import Path

root = Path("data")
for split, count in (("train", 200), ("test", 60)):
    write(root, split, [number % 20 for number in range(count)])
[study] = parse_studies(Path("study.yaml").read_text(), "study.yaml")
small = {"train_size": 100, "epochs": 1, "steps": 1, "epsilon_warmup": 0, "perturbation": "mp"}
config = resolve(method, {**study.settings, **small}, study.recipe, study.scale).config
assert config.image_size == 16 and config.epsilon == 8 / 255, "as the shape of images says"
*_, last = method.train(config, InProcessRun(data_root=str(root)))
found = method.evaluate(config, last.state, InProcessRun(data_root=str(root)))
assert {"test/robust_accuracy.mi_fgsm", "test/gradient_norm.mean"} <= found.metrics.keys() <= method.METRICS.keys()
assert method.estimate(config)[0] > method.estimate(config.model_copy(update={"analyses": ()}))[0]
print("tested")
"""


def named_files() -> list[str]:
    """The path that the text before each block of Python names last."""
    text, paths = page_text(PAGE), []
    for block in re.finditer(r"^```python\n", text, re.MULTILINE):
        paths.append(NAMED.findall(text[: block.start()])[-1])
    return paths


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with the files of the page in it."""
    home = tmp_path_factory.mktemp("tree")
    for folder in COPIED:
        shutil.copytree(ROOT / folder, home / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (home / "tests/__init__.py").touch()
    for path, piece in zip(named_files(), CODE, strict=True):
        target = home / path
        assert not target.exists(), f"{path} is there already"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(piece.text)
    return home


def in_tree(home: Path, *command: str) -> str:
    """What a process prints that imports the copy of the tree."""
    paths = [str(home), str(home / "platform"), *(str(path.parent) for path in home.glob("tests/**/test_cifar*.py"))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=home, env=environment, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_thing_takes_a_file_and_its_test() -> None:
    paths = named_files()
    assert len(paths) == 6
    for code, test in zip(paths[::2], paths[1::2], strict=True):
        assert Path(test).name == f"test_{Path(code).name}"
    table = dict(re.findall(r"^\| .*? \| `(.*?)` \| .*? \| `(.*?)` \|$", page_text(PAGE), re.MULTILINE))
    folders = {str(Path(code).parent): str(Path(test).parent) for code, test in table.items()}
    for code, test in zip(paths[::2], paths[1::2], strict=True):
        of, its = (str(Path(path).parent).replace("adversarial_training", "TRAINABLE") for path in (code, test))
        assert folders[of] == its


def test_every_folder_of_the_table_is_one() -> None:
    for path in re.findall(r"^\| .*? \| `((?:trainables|platform)/.*?)/NAME\.py`", page_text(PAGE), re.MULTILINE):
        assert (ROOT / path.replace("TRAINABLE", "adversarial_training")).is_dir(), path
        if "TRAINABLE" in path:
            assert (ROOT / path.replace("TRAINABLE", "counterfactual_gan")).is_dir()


@runs(*CODE)
@pytest.mark.long
def test_what_is_added_passes_its_tests(tree: Path, page_pieces: list[Piece]) -> None:
    tests = [path for path in named_files() if path.startswith("tests/")]
    assert [(tree / path).read_text() for path in named_files()] == [piece.text for piece in page_pieces]
    options = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", ".", "--import-mode=importlib"]
    shown = in_tree(tree, "-m", "pytest", *options, *tests)
    assert "5 passed" in shown


@runs(*STUDY)
def test_a_study_names_what_is_added(tree: Path, page_pieces: list[Piece]) -> None:
    [study] = page_pieces
    (tree / "study.yaml").write_text(study.text)
    assert in_tree(tree, "-c", RUN) == "tested\n"
