"""The sources in the folder of a trainable that is a file: read, identified by their checksum, and imported."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from saddle.errors import OwnSourcesError
from saddle.trainable_source import PYTHON, TrainableSource

SUFFIX = ".py"
NO_SOURCES = frozenset(("__pycache__", "venv", "env", "node_modules", "site-packages", "runs", "build", "dist"))
MOST_FILES = 500
MOST_BYTES = 8 * 2**20
CHECKSUM = "__saddle_sources__"
"""The attribute of an imported file that names the sources it belongs to."""


def read_sources(folder: Path, suffixes: tuple[str, ...] = PYTHON) -> dict[str, bytes]:
    """Every file below `folder` that ends so, by its path there; raises `OwnSourcesError` for more than a study needs.

    Hidden folders, virtual environments and what saddle and builds leave are not looked into.
    """
    sources: dict[str, bytes] = {}
    for path in _source_files(folder, suffixes):
        sources[path.relative_to(folder).as_posix()] = path.read_bytes()
        size = sum(map(len, sources.values())) if len(sources) % 50 == 0 else 0
        if len(sources) > MOST_FILES or size > MOST_BYTES:
            raise OwnSourcesError(
                f"{folder} holds more than {MOST_FILES} files of sources or {MOST_BYTES >> 20} MiB, and all would"
                " be sent along: put the trainable's file and what it imports into a folder of their own"
            )
    return dict(sorted(sources.items()))


def _source_files(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if _may_hold_sources(Path(where, name))]
        yield from (Path(where, name) for name in files if name.endswith(suffixes) and not name.startswith("."))


def _may_hold_sources(folder: Path) -> bool:
    return not (folder.name.startswith(".") or folder.name in NO_SOURCES or (folder / "pyvenv.cfg").exists())


def checksum_of(sources: Mapping[str, bytes]) -> str:
    """The checksum of sources, their paths included."""
    digest = hashlib.sha256()
    for path, content in sources.items():
        digest.update(f"{path}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def folder_checksum(folder: Path, suffixes: tuple[str, ...] = PYTHON) -> str:
    """The checksum of the sources in `folder`; empty if it is none or can't be read."""
    try:
        return checksum_of(read_sources(folder, suffixes)) if folder.is_dir() else ""
    except (OSError, OwnSourcesError):
        return ""


def import_file(source: TrainableSource, checksum: str) -> ModuleType:
    """The module of a source's file, imported as `python FILE.py` would: its folder comes first on the path.

    It is imported once for the same sources; those of another folder, or former ones, are forgotten then.
    Raises `OwnSourcesError` for a file whose name a module that is in use has, and whatever importing it raises.
    """
    folder, name = Path(source.folder), source.file.removesuffix(SUFFIX)
    present = sys.modules.get(name)
    if present is not None and mark_of(present) == (str(folder), checksum):
        return present
    if present is not None and mark_of(present) is None and not lies_in(present, folder):
        raise OwnSourcesError(f"{source.file} has the name of a module that is in use; give the file another name")
    forget_own_modules()
    sys.path[:] = [str(folder), *(entry for entry in sys.path if entry != str(folder))]
    spec = spec_from_file_location(name, folder / source.file)
    if spec is None or spec.loader is None:
        sys.path.remove(str(folder))
        raise OwnSourcesError(f"{folder / source.file} can't be imported")
    module = module_from_spec(spec)
    module.__dict__[CHECKSUM] = str(folder), checksum
    sys.modules[name] = module  # dataclasses and pickles look their module up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        forget_own_modules()
        raise
    return module


def forget_own_modules() -> None:
    """Forget every module that was imported from the folder of such a file, and take the folder off the path."""
    marks = [mark for module in [*sys.modules.values()] if (mark := mark_of(module)) is not None]
    for folder in {folder for folder, _ in marks}:
        for name in [name for name, module in sys.modules.items() if lies_in(module, Path(folder))]:
            del sys.modules[name]
        sys.path[:] = [entry for entry in sys.path if entry != folder]


def mark_of(module: object) -> tuple[str, str] | None:
    """The folder and the checksum of the sources that a module was imported from as such a file."""
    mark: tuple[str, str] | None = getattr(module, "__dict__", {}).get(CHECKSUM)
    return mark


def lies_in(module: ModuleType, folder: Path) -> bool:
    """Whether a module was imported from below `folder`, and not from an environment in it."""
    file = getattr(module, "__file__", None)
    if file is None or not Path(file).is_relative_to(folder):
        return False
    return not (NO_SOURCES & set(Path(file).relative_to(folder).parts)) and not any(
        part.startswith(".") for part in Path(file).relative_to(folder).parts
    )
