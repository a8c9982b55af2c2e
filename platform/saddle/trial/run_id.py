"""Which run of a study is meant: one that `--fresh` restarted has several, each stored in its own folder."""

from __future__ import annotations

from dataclasses import dataclass, replace

STUDIES = "studies"
"""The folder of a storage that holds a folder for each run."""

MARK = "@"
"""Separates the study's name from the rest in the name of a run that was set aside; no study's name contains it."""


@dataclass(frozen=True)
class RunId:
    """One run of the study called `study`.

    `instance` distinguishes it from every other run of the study in any storage; empty if that isn't known yet.
    `stored_as` is what its folder is called where that isn't the study's name: `NAME@TIME-INST` once set aside.
    """

    study: str
    instance: str = ""
    stored_as: str = ""

    def __post_init__(self) -> None:
        for name in (self.study, self.stored_as):
            if name and not self.is_name(name):
                raise ValueError(f"{name!r} can't be the name of a folder")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def stored(cls, name: str) -> RunId:
        """The run in the folder called `name`, as far as the name determines it."""
        return cls(name.partition(MARK)[0], "", name if MARK in name else "")

    @staticmethod
    def is_name(text: str) -> bool:
        """Whether the folder of a run may have this name."""
        return text not in ("", ".", "..") and not any(sign in text for sign in "/\\\0")

    @property
    def name(self) -> str:
        """What users call the run, and its folder is called."""
        return self.stored_as or self.study

    @property
    def is_set_aside(self) -> bool:
        """Whether `--fresh` has put another run in its place: it is kept unchanged, and nothing trains it any more."""
        return MARK in self.stored_as

    @property
    def folder(self) -> str:
        """The run's folder in its storage."""
        return f"{STUDIES}/{self.name}"

    def set_aside(self, time: str, digits: int = 4) -> RunId:
        """The same run under the name it gets when it is set aside, with so many `digits` of its instance."""
        return replace(self, stored_as=f"{self.study}{MARK}{time}-{self.instance[:digits]}")

    def below(self, path: str) -> str:
        """A path in the storage, as written into the run's files: relative to its folder, which may be renamed."""
        return path.removeprefix(f"{self.folder}/")

    def place(self, written: str) -> str:
        """The location in the storage of a path that is `written` in the run's files.

        Older files hold it from the storage's root, with the name that the folder had then.
        """
        top, _, rest = written.partition("/")
        return f"{self.folder}/{rest.partition('/')[2] if top == STUDIES else written}"
