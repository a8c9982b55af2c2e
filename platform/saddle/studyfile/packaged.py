"""Where a study comes from: a file of the user's, or one of the studies packaged in `search_spaces`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from saddle.errors import StudyError
from saddle.study.field_types import STUDY_NAME
from saddle.study.nearest import nearest
from saddle.studyfile.problem import Problem
from saddle.studyfile.yaml_reader import LARGEST_FILE
from saddle.trial.run_id import RunId

PACKAGE = "search_spaces"
SUFFIX = ".yaml"


def packaged_studies() -> dict[str, Traversable]:
    """The packaged study files by name, such as `quickstart` and `mixed_perturbation/alpha0`."""
    studies: dict[str, Traversable] = {}
    _collect(files(PACKAGE), "", studies)
    return dict(sorted(studies.items()))


def split_choice(path_or_name: str | Path) -> tuple[str, str | None]:
    """`FILE:STUDY` as the file and the one study wanted of it; a path that contains colons stays whole."""
    wanted = str(path_or_name)
    file, colon, study = wanted.rpartition(":")
    if not colon or not file or not study or "/" in study or _exists(wanted):
        return wanted, None
    return file, study


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # a name that no file can have: too long, or with a NUL in it
        return False


def find_study(path_or_name: str | Path) -> tuple[str, bytes]:
    """The name to show and the bytes of a study file; raises `StudyError` if there is none to read.

    A file goes before a packaged study; `alpha0` finds `mixed_perturbation/alpha0` while no other ends that way.
    """
    wanted = str(path_or_name)
    exists = _exists(wanted)
    if exists and Path(wanted).is_file():
        return wanted, _read(wanted)
    packaged = packaged_studies()
    name = wanted.removesuffix(SUFFIX)
    matches = [name] if name in packaged else [entry for entry in packaged if entry.endswith(f"/{name}")]
    if len(matches) == 1:
        return str(packaged[matches[0]]), packaged[matches[0]].read_bytes()
    if matches:
        right = f"write one of: {', '.join(matches)}"
        raise StudyError([Problem(wanted, None, "", "several packaged studies have this name", right)])
    if exists:
        raise StudyError([Problem(wanted, None, "", "this is not a file", "give the path of a study file")])
    shorts = {entry.rpartition("/")[2]: entry for entry in packaged} | {entry: entry for entry in packaged}
    near = nearest(name, shorts)
    meant = file_of(name, packaged) or (shorts[near] if near else None)
    right = f"packaged studies are: {listed_by_folder(packaged)}"
    if RunId.is_name(wanted):
        right += "; a study that is stored already is read by saddle status, results and report"
    shown = wanted if len(wanted) <= 200 else f"{wanted[:200]}…"
    run = RunId.stored(wanted) if RunId.is_name(wanted) else None
    if run is not None and run.is_set_aside and re.fullmatch(STUDY_NAME, run.study):
        what = "this names a run that --fresh has set aside; it is kept unchanged, and nothing trains it any more"
        right = f"{run.study} is the study that continues; saddle status, results, report and verify answer about a run"
        raise StudyError([Problem(repr(shown)[1:-1], None, "", what, right)])
    raise StudyError([Problem(repr(shown)[1:-1], None, "", "no such file", right, meant)])


def file_of(study: str, packaged: Mapping[str, Traversable]) -> str | None:
    """`FILE:STUDY` of the packaged file in which a study is written; None where it is in none."""
    line = re.compile(rf"^study: {re.escape(study)}$".encode(errors="surrogateescape"), re.MULTILINE)
    return next((f"{name}:{study}" for name, file in packaged.items() if line.search(file.read_bytes())), None)


def listed_by_folder(names: Iterable[str]) -> str:
    """`nightly, mixed_perturbation/{alpha0, table4}`: names of studies, those of one folder together."""
    folders: dict[str, list[str]] = {}
    for name in names:
        folder, _, study = name.rpartition("/")
        folders.setdefault(folder, []).append(study)
    alone = folders.pop("", [])
    return ", ".join([*alone, *(f"{folder}/{{{', '.join(studies)}}}" for folder, studies in folders.items())])


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(LARGEST_FILE + 1)  # one byte more than allowed shows that it is too large
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StudyError([Problem(path, None, "", f"the file can't be read: {reason}")]) from error


def _collect(folder: Traversable, prefix: str, studies: dict[str, Traversable]) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            _collect(entry, f"{prefix}{entry.name}/", studies)
        elif entry.name.endswith(SUFFIX):
            studies[prefix + entry.name.removesuffix(SUFFIX)] = entry
