"""The code that goes with an exported model: the sources that loading it imports, and no others."""

from __future__ import annotations

import importlib.util
import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from saddle.archive.studies import StoredStudy
from saddle.own_packages import find_root
from saddle.store.base import Store
from saddle.store.run_files.source_archive import archive_path

FILES = Path(__file__).parent / "folder_files"
LOAD_SECONDS = 300
SHARED = "trainables"
"""The package that all of saddle's trainables import, and those of other packages may."""

TRY = """
import json, runpy, sys
from pathlib import Path

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("saddle", "ray", "optuna", "mlflow"):
            raise ModuleNotFoundError(f"{name} is not needed to load a model")

sys.meta_path.insert(0, Absent())
code = Path(sys.argv[1]) / "code"
runpy.run_path(str(Path(sys.argv[1]) / "load.py"))["load_model"]()
files = {str(Path(f)) for m in [*sys.modules.values()] if (f := getattr(m, "__file__", None))}
print(json.dumps(sorted(f for f in files if Path(f).is_relative_to(code))))
"""
"""Loads the model as a user without saddle does, and prints which files of `code` were imported."""


def write_code(store: Store, stored: StoredStudy, point: str, folder: Path) -> str:
    """Put the sources that the model in `folder` needs next to it; returns why it can't be loaded, empty if it can.

    Everything that may be needed is copied; once the model has been loaded from there, what wasn't imported is removed.
    """
    code = folder.resolve() / "code"
    code.mkdir()
    (code / "pydantic_stand_in.py").write_text((FILES / "pydantic_stand_in.py.txt").read_text())
    if stored.study.source.is_own:
        unpack_sources(store, stored, code / "own")
    elif (package := folder_of(point.partition(".")[0].partition(":")[0])) is not None:
        copy_package(package, code)
    if not (code / SHARED).exists() and (shared := folder_of(SHARED)) is not None:
        copy_package(shared, code)
    process = subprocess.run(
        [sys.executable, "-I", "-c", TRY, str(folder.resolve())],
        capture_output=True, text=True, errors="replace", timeout=LOAD_SECONDS, check=False,
    )  # fmt: skip
    if process.returncode:
        lines = [line for line in process.stderr.splitlines() if line.strip()]
        return lines[-1] if lines else f"exit code {process.returncode}"
    imported = {Path(file) for file in json.loads(process.stdout.splitlines()[-1])}
    keep_only(code, imported)
    return ""


def folder_of(package: str) -> Path | None:
    """The path of a package or a module of one file; None if it isn't installed."""
    if package == SHARED and (root := find_root()) is not None:
        return root / SHARED
    spec = importlib.util.find_spec(package)
    origin = spec.origin if spec is not None else None
    if origin is None:
        return None
    return Path(origin).parent if Path(origin).name == "__init__.py" else Path(origin)


def copy_package(package: Path, code: Path) -> None:
    """Copy a package's sources and data, or a module's file."""
    if package.is_file():
        shutil.copy2(package, code / package.name)
    else:
        shutil.copytree(package, code / package.name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*"))


def unpack_sources(store: Store, stored: StoredStudy, own: Path) -> None:
    """Write the sources that the run keeps of its trainable."""
    with zipfile.ZipFile(io.BytesIO(store.read(archive_path(stored.run, stored.declared.sources)))) as archive:
        archive.extractall(own)


def keep_only(code: Path, imported: set[Path]) -> None:
    """Remove the sources that were not imported; data next to those that were stays, the user's own files all stay."""
    own = code / "own"
    homes = {path.parent for path in imported}
    for path in sorted(code.rglob("*"), reverse=True):
        if path.is_relative_to(own) and "__pycache__" not in path.parts:
            continue
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.name != "pydantic_stand_in.py" and path not in imported and not _is_data_of(path, homes):
            path.unlink()


def _is_data_of(path: Path, homes: set[Path]) -> bool:
    return path.suffix not in (".py", ".pyc") and path.parent in homes and path.name != "py.typed"
