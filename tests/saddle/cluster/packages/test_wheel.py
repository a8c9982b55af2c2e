"""What travels to a cluster: saddle's wheel is the one that setuptools would build, but for its requirements."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from saddle.cluster.packages import wheel as wheels
from saddle.cluster.packages.user_packages import build_wheels, package_wheel
from saddle.cluster.packages.wheel import saddle_wheel
from saddle.errors import WheelError
from tests.support.waiting import PROCESS_SECONDS

ROOT = Path(__file__).parents[4]


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_it_holds_what_setuptools_would_pack(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    for name in ("platform", "trainables", "search_spaces", "tests/contracts"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    build = "import sys, setuptools.build_meta as backend; print(backend.build_wheel(sys.argv[1]))"
    subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=checkout, check=True, capture_output=True, timeout=120
    )
    [theirs] = tmp_path.glob("*.whl")
    (tmp_path / "ours").mkdir()
    ours = saddle_wheel(tmp_path / "ours")
    code = {name: text for name, text in contents(theirs).items() if ".dist-info/" not in name}
    assert {name: text for name, text in contents(ours).items() if ".dist-info/" not in name} == code
    assert "search_spaces/quickstart.yaml" in code
    assert "saddle/report/study.html" in code
    assert "trainables/datasets/auxiliary_tasks/gtsrb.csv" in code


def test_it_installs_without_network_and_its_trainables_are_found(tmp_path: Path) -> None:
    wheel = saddle_wheel(tmp_path)
    target = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", f"--target={target}", str(wheel)]
    done = subprocess.run(pip, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    with (ROOT / "pyproject.toml").open("rb") as file:
        ours = tomllib.load(file)["project"]["entry-points"]["saddle.trainables"]
    [dist] = importlib.metadata.distributions(path=[str(target)], name="saddle")
    assert {point.name: point.value for point in dist.entry_points if point.group == "saddle.trainables"} == ours
    assert dist.requires is None, "Ray's pip would fetch them all"
    script = "import saddle, trainables.contract; print(saddle.__file__)"
    said = subprocess.check_output(
        [sys.executable, "-c", script], env={"PYTHONPATH": str(target)}, text=True, timeout=PROCESS_SECONDS
    )
    assert said.startswith(str(target))


def test_its_name_changes_with_its_content_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = saddle_wheel(tmp_path)
    (tmp_path / "again").mkdir()
    assert saddle_wheel(tmp_path / "again").name == first.name
    files = [*wheels.package_files(), ("saddle/new.py", b"")]
    monkeypatch.setattr(wheels, "package_files", lambda: iter(files))
    assert saddle_wheel(tmp_path).name != first.name, "Ray would take the old one from its cache"


def test_only_packages_travel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "somewhere/trainables"
    shutil.copytree(ROOT / "trainables", package)
    for name in ("runs/studies/x.parquet", ".venv/lib/thing.py", "data.npy", "__pycache__/x.pyc"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_bytes(b"big")
    (package / "kept.py").write_text("")
    real = wheels.find_spec
    elsewhere = type("Spec", (), {"origin": str(package / "__init__.py")})
    monkeypatch.setattr(wheels, "find_spec", lambda name: elsewhere if name == "trainables" else real(name))
    names = [name for name, _ in wheels.package_files() if name.startswith("trainables/")]
    assert "trainables/kept.py" in names
    assert not [name for name in names if "runs" in name or "venv" in name or "data.npy" in name or "pyc" in name]


class TestPackages:
    def test_a_folder_becomes_a_wheel_and_stays_as_it_was(self, tmp_path: Path) -> None:
        package = tmp_path / "mine"
        shutil.copytree(ROOT / "tests/template", package, ignore=shutil.ignore_patterns("__pycache__"))
        (package / "runs").mkdir()
        (package / "runs/big.bin").write_bytes(b"0" * 1000)
        before = sorted(package.rglob("*"))
        ours, theirs = build_wheels([package], tmp_path)
        assert ours.name.startswith("saddle-")
        found = contents(theirs)
        assert sorted(package.rglob("*")) == before
        assert "my_method.py" in found
        [metadata] = [text.decode() for name, text in found.items() if name.endswith("METADATA")]
        assert "Requires-Dist" not in metadata
        [points] = [text.decode() for name, text in found.items() if name.endswith("entry_points.txt")]
        assert "my_method = my_method" in points
        assert contents(package_wheel(theirs, tmp_path / "mine")) == found, "a wheel goes as it is"

    @pytest.mark.parametrize(
        ("project", "said"),
        [
            (None, "neither a wheel nor a folder with a pyproject.toml"),
            ("[build-system", "can't be read"),
            (
                '[build-system]\nrequires = ["frobnicate>=2"]\nbuild-backend = "frobnicate"\n',
                "pip install frobnicate>=2",
            ),
            ('[project]\nname = "x"\n', "can't be built"),
        ],
    )
    def test_what_is_none_is_refused(self, project: str | None, said: str, tmp_path: Path) -> None:
        folder = tmp_path / "package"
        folder.mkdir()
        if project is not None:
            (folder / "pyproject.toml").write_text(project)
        with pytest.raises(WheelError) as caught:
            package_wheel(folder, tmp_path)
        assert said in str(caught.value)

    def test_a_broken_wheel_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "broken-1-py3-none-any.whl").write_text("no zip")
        with pytest.raises(WheelError, match="is not a wheel"):
            package_wheel(tmp_path / "broken-1-py3-none-any.whl", tmp_path)
