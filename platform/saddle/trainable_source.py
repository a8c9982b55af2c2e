"""Where the code of a study's trainable comes from: an installed package, or a file of the user's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from trainables.own_loop.terms import StudyTerms

OWN_FILE = re.compile(r"(?P<path>[^:]*\.py)(:(?P<attribute>[^\W\d]\w*))?")
"""`./train.py`, a module with the names of the contract, or `./train.py:train`, a function or object in it."""


PYTHON = (".py",)
ANY_LANGUAGE = (
    *PYTHON, ".sh", ".r", ".R", ".jl", ".lua", ".m", ".pl", ".rb", ".js", ".ts",
    ".c", ".h", ".cc", ".cpp", ".hpp", ".cu", ".rs", ".go", ".java", ".scala",
)  # fmt: skip


@dataclass(frozen=True)
class TrainableSource:
    """A trainable by the name that a study gives to it, and where that is to be had.

    `name` is that of an entry point, or `./FILE.py:ATTRIBUTE`; then `folder` is where the file is on this
    machine, empty if unknown, and `checksum` that of the folder's sources, empty before they are read. `terms` are
    what the study says that a function may leave open. Of a program `command` runs it in `folder`, and `report` is
    the file that it leaves, empty if it prints its metrics.
    """

    name: str
    folder: str = ""
    checksum: str = ""
    terms: StudyTerms = field(default_factory=StudyTerms)
    command: str = ""
    report: str = ""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> TrainableSource:
        """The source that `dataclasses.asdict` made plain."""
        return cls(**{**raw, "terms": StudyTerms(**raw["terms"])})

    @property
    def is_own(self) -> bool:
        """Whether it is a file or a program of the user's own, whose sources are kept with the run."""
        return bool(self.command) or is_own_file(self.name)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What its sources end in."""
        return ANY_LANGUAGE if self.command else PYTHON

    @property
    def file(self) -> str:
        """The name of the file in its folder."""
        match = OWN_FILE.fullmatch(self.name)
        return PurePosixPath(match["path"]).name if match else ""

    @property
    def attribute(self) -> str:
        """What of the file is meant; empty for the module itself."""
        match = OWN_FILE.fullmatch(self.name)
        return (match["attribute"] or "") if match else ""


def is_own_file(name: str) -> bool:
    """Whether a study's `trainable` names a file."""
    return OWN_FILE.fullmatch(name) is not None


def split_folder(name: str) -> tuple[str, str]:
    """The folder of a file's path, and the name `./FILE.py:ATTRIBUTE` that a study keeps of it."""
    path, colon, attribute = name.partition(":")
    return str(PurePosixPath(path).parent), f"./{PurePosixPath(path).name}{colon}{attribute}"
