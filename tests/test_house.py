"""The house itself: where things may be imported, what is packaged, and that the README says what is true."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections import Counter
from pathlib import Path

import pytest
import typer

import saddle.errors
from saddle.cli.app import app
from saddle.study.trainable.loading import load_trainable
from saddle.studyfile.loader import parse_studies
from tests.support.infra_commands import WrongCall, arguments_of, parse_by, saddle_command
from tests.support.pages import PAGES, Piece, all_text, commands_in_sentences, page_text, pieces, runs_each

ROOT = Path(__file__).parents[1]
WHOLE_COMMANDS = pieces("command")
COMMANDS = sorted({*WHOLE_COMMANDS, *commands_in_sentences()}, key=lambda piece: piece.text)
CUT_SHORT = ("MissingParameter", "NoArgsIsHelpError", "BadOptionUsage")
"""What the parser says of a sentence's command that lacks its study, its subcommand or the value of an option."""
CALLS = [piece for piece in COMMANDS if piece.text.startswith("saddle ")]
MAKE_CALLS = [piece for piece in COMMANDS if piece.text.startswith("make ")]
CODE_PAGES = ("docs/extending.md", "docs/port-your-script.md", "docs/tutorial.md")
WITH_CODE = [piece for page in CODE_PAGES for piece in pieces("yaml", page=page)]
STUDIES = [piece for piece in pieces("yaml") if piece not in WITH_CODE]
"""Those of the other pages name code that the page adds; tests of theirs in `tests/pages` load them."""
TEMPLATE = [
    Piece("python", (ROOT / "tests/template/my_method.py").read_text()),
    Piece("toml", (ROOT / "tests/template/pyproject.toml").read_text()),
]


def tracked_files() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this tree is not a git checkout")
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_platform_is_the_standard_librarys() -> None:
    assert Path(run_python("import platform; print(platform.__file__)")).parent == Path(sysconfig.get_path("stdlib"))


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("saddle", ("ray", "mlflow", "torch", "optuna")),
        ("saddle.studyfile.loader", ("ray", "mlflow", "torch")),
        ("saddle.design.arms", ("ray", "mlflow", "torch")),
        ("saddle.analyse.study_results", ("ray", "mlflow", "torch")),
        ("saddle.cli.app", ("ray", "mlflow", "torch", "optuna", "scipy", "numpy")),
        ("trainables.contract", ("saddle", "ray", "mlflow", "torch", "optuna")),
        *(
            (".".join(path.relative_to(ROOT).with_suffix("").parts), ("saddle", "ray", "mlflow", "torch", "optuna"))
            for path in sorted((ROOT / "trainables").rglob("config.py"))
        ),
    ],
)
def test_nothing_heavy_is_imported_where_nothing_is_trained(module: str, forbidden: tuple[str, ...]) -> None:
    found = run_python(f"import sys, {module}; print(*[name for name in {forbidden} if name in sys.modules])")
    assert not found, f"importing {module} imports {found}"


def test_help_imports_nothing_heavy() -> None:
    code = """
import sys
from saddle.cli import main
sys.argv = ["saddle", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("imported:", *[name for name in ("ray", "mlflow", "torch", "optuna", "scipy", "numpy") if name in sys.modules])
"""
    *shown, imported = run_python(code).splitlines()
    assert any("plan" in line for line in shown)
    assert imported == "imported:"


def test_every_module_is_imported_and_every_exported_name_exists_without_starting_ray() -> None:
    """One that names something that was moved or renamed fails here, whether or not other tests reach it.

    Names that a package imports only when they are used stand in strings, which no type checker reads.
    """
    code = """
import importlib, pkgutil, saddle, trainables
names = [
    module.name
    for package in (saddle, trainables)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
]
for name in names:
    if not name.endswith(".__main__"):  # which runs the command
        module = importlib.import_module(name)
        for exported in getattr(module, "__all__", ()):
            getattr(module, exported)
import ray
assert not ray.is_initialized()
print(len(names))
"""
    files = [*(ROOT / "platform/saddle").rglob("*.py"), *(ROOT / "trainables").rglob("*.py")]
    assert int(run_python(code)) == len(files) - 2  # all but the two packages themselves


def test_loading_and_planning_a_study_needs_neither_ray_nor_torch() -> None:
    code = """
import sys
from saddle.studyfile.loader import load_studies
from saddle.design.arms import make_arms
from saddle.analyse.study_results import StudyResults
[_, study] = load_studies("quickstart")
make_arms(study.ablation, dict(study.ablation.baseline), study.settings)
print(*[name for name in ("ray", "mlflow", "torch") if name in sys.modules])
"""
    assert run_python(code) == ""


def test_every_package_and_its_data_is_in_the_wheel(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77", reason="building a wheel needs setuptools")
    names = tracked_files()
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    code = "from setuptools import build_meta; print(build_meta.build_wheel('.'))"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True, timeout=120)
    [wheel] = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    roots = {"platform/": "", "trainables/": "trainables/", "search_spaces/": "search_spaces/"}
    roots["tests/contracts/"] = "saddle_contracts/"
    wanted = {
        target + name.removeprefix(root) for name in names for root, target in roots.items() if name.startswith(root)
    }
    assert wanted - packed == set()
    assert not [name for name in packed if name.startswith(("tests", "platform"))]


def test_every_dependency_is_pinned_for_the_quickstart() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pinned = {
        re.split(r"[=\[ ;]", line)[0].lower().replace("_", "-")
        for line in (ROOT / "infra/constraints.txt").read_text().splitlines()
        if "==" in line
    }
    assert {re.split(r"[\[<>=]", name)[0].lower() for name in wanted} - pinned == set()


@runs_each(CALLS)
def test_the_readmes_commands_exist(piece: Piece) -> None:
    try:
        parse_by(saddle_command(), arguments_of(piece.text))
    except WrongCall as error:
        if piece in WHOLE_COMMANDS or type(error.__cause__).__name__ not in CUT_SHORT:
            raise


def test_a_command_that_does_not_exist_is_seen() -> None:
    for words in (["plant", "quickstart"], ["plan", "quickstart", "--jsn"], ["data", "explain", "digits"]):
        with pytest.raises(WrongCall):
            parse_by(saddle_command(), words)


def test_the_readme_lists_every_command() -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert set(re.findall(r"^\| `saddle (\w+)", all_text(), re.MULTILINE)) == known


@runs_each(MAKE_CALLS)
def test_the_readmes_targets_exist(piece: Piece) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert piece.text.removeprefix("make ") in targets


@runs_each(TEMPLATE)
def test_the_readmes_template_is_the_one_that_is_tested(piece: Piece) -> None:
    assert piece in pieces(piece.kind)


@runs_each(STUDIES)
def test_the_readmes_study_files_load(piece: Piece) -> None:
    spec = importlib.util.spec_from_file_location("my_method", ROOT / "tests/template/my_method.py")
    assert spec
    assert spec.loader
    mine = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mine)
    known = {"my_method": mine, "adversarial_training": load_trainable("adversarial_training").code}
    assert parse_studies(piece.text, "README.md", trainables=known)


def test_the_readmes_pictures_and_files_exist() -> None:
    for page in PAGES:
        for path in re.findall(r"\]\(((?!http)[^)#]+)\)", page_text(page)):
            assert ((ROOT / page).parent / path).is_file(), f"{page} names {path}"
    assert (ROOT / "docs/report.png").stat().st_size < 250_000


def test_every_path_that_a_page_names_exists() -> None:
    inside = re.compile(r"`((?:platform|trainables|search_spaces|tests|infra|docs)/[\w./*-]+)`")
    made_by_readers = {"infra/compose/studies"}
    for page in PAGES:
        if page.startswith("docs/extending"):  # whose files the reader writes
            continue
        named = set(inside.findall(re.sub("```.*?```", "", page_text(page), flags=re.DOTALL)))
        assert not [path for path in named - made_by_readers if not list(ROOT.glob(path))], page


def test_no_file_has_grown_too_long() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for root in ("platform", "trainables")
        for path in (ROOT / root).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 400
    }
    assert not long, "at 400 lines a file wants to be two"


def test_nothing_private_is_in_the_tree() -> None:
    places = re.compile(
        "|".join(["/wor" + "k/", "/roo" + "t/", "/tm" + "p/h4", "/op" + "t/pypi", r"\b10\.\d+\.\d+\.\d+\b"])
    )
    found = []
    for name in tracked_files():
        if (
            Path(name).suffix in (".py", ".md", ".yaml", ".toml", ".txt", ".html", ".css", ".cfg", "")
            and name != "LICENSE"
        ):
            text = (ROOT / name).read_text()
            found += [f"{name}: {match[0]}" for match in places.finditer(text)]
    assert not found


def test_test_files_have_names_of_their_own() -> None:
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert not [name for name, count in names.items() if count > 1]
    assert not list((ROOT / "tests" / "saddle").rglob("__init__.py"))


def test_every_error_that_a_user_can_mend_stands_in_the_exported_tree() -> None:
    values = vars(saddle.errors).items()
    tree = {name for name, value in values if isinstance(value, type) and issubclass(value, saddle.errors.UserError)}
    elsewhere = [
        f"{path.name}: {node.name}"
        for path in (ROOT / "platform/saddle").rglob("*.py")
        if path != ROOT / "platform/saddle/errors.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and any(isinstance(base, ast.Name) and base.id in tree for base in node.bases)
    ]
    assert not elsewhere, "saddle/errors.py is where programs look for them"
