"""Packages of the user's own, such as their trainables, as wheels for a cluster's nodes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError
from pathlib import Path

from saddle.cluster.packages.wheel import DISTRIBUTION, saddle_wheel, without_requirements
from saddle.errors import WheelError
from saddle.store.scratch import scratch_folder

BUILD_SECONDS = 300
LEGACY = "setuptools.build_meta:__legacy__"
LEFT_BEHIND = shutil.ignore_patterns(
    ".*", "__pycache__", "venv", "build", "dist", "runs", "node_modules", "*.egg-info", "*.pyc"
)
BUILD = """
import importlib, sys
sys.path[:0] = sys.argv[3:]
name, _, attribute = sys.argv[1].partition(":")
backend = importlib.import_module(name)
for part in filter(None, attribute.split(".")):
    backend = getattr(backend, part)
backend.build_wheel(sys.argv[2])
"""


def build_wheels(packages: Sequence[str | Path], folder: Path) -> list[Path]:
    """saddle's wheel and one for each of `packages`, in `folder`; raises `WheelError` for what is not a package."""
    try:
        wheels = [saddle_wheel(folder)]
    except PackageNotFoundError as error:
        raise WheelError(f"{DISTRIBUTION} runs from a folder that is not installed; `pip install -e .` it") from error
    return [*wheels, *(package_wheel(Path(package).expanduser(), folder) for package in packages)]


def package_wheel(package: Path, folder: Path) -> Path:
    """The wheel of a package's folder, or a given wheel, without its requirements."""
    if package.suffix == ".whl":
        return without_requirements(package, folder)
    if not (package / "pyproject.toml").is_file():
        raise WheelError(f"--package {package}: neither a wheel nor a folder with a pyproject.toml")
    with scratch_folder() as scratch:
        copy, built = scratch / "source", scratch / "built"
        built.mkdir()
        copy_sources(package, copy)  # building leaves files in the folder it builds
        build(package, copy, built)
        [wheel] = built.glob("*.whl")
        return without_requirements(wheel, folder)


def copy_sources(package: Path, copy: Path) -> None:
    """Copy a package's sources: in a checkout what git would track, elsewhere all but what is clearly not a source."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=package, capture_output=True, timeout=60,
    ) if shutil.which("git") else None  # fmt: skip
    names = listed.stdout.decode().split("\0")[:-1] if listed is not None and listed.returncode == 0 else []
    if "pyproject.toml" not in names:  # no checkout, or one that ignores this folder
        shutil.copytree(package, copy, ignore=LEFT_BEHIND)
        return
    for name in names:
        if (package / name).is_file():  # false if it was deleted or is another repository
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(package / name, copy / name)


def build(package: Path, copy: Path, built: Path) -> None:
    """Call the package's own build backend, as installed here: nothing is downloaded."""
    try:
        declared = tomllib.loads((copy / "pyproject.toml").read_text()).get("build-system", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WheelError(f"--package {package}: its pyproject.toml can't be read: {error}") from error
    backend, within = declared.get("build-backend", LEGACY), declared.get("backend-path", [])
    try:
        process = subprocess.run(
            [sys.executable, "-c", BUILD, backend, str(built), *within],
            cwd=copy, capture_output=True, text=True, timeout=BUILD_SECONDS, errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise WheelError(f"--package {package}: building took more than {BUILD_SECONDS} s") from error
    if process.returncode == 0:
        return
    errors = process.stderr.strip().splitlines() or ["it said nothing"]
    if errors[-1].startswith("ModuleNotFoundError"):
        needed = " ".join(declared.get("requires", ["setuptools"]))
        raise WheelError(f"--package {package}: {errors[-1]}; `pip install {needed}`, or give --package a wheel")
    raise WheelError(f"--package {package} can't be built:\n" + "\n".join(errors[-15:]))
