"""The trainables that the documents of a study file name, each loaded once for the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from saddle.errors import TrainableError
from saddle.study.models import Program
from saddle.study.nearest import nearest
from saddle.study.terms import terms_of
from saddle.study.trainable.loading import LoadedTrainable, complete_trainable, load_trainable
from saddle.studyfile.yaml_reader import Document
from saddle.trainable_source import TrainableSource, is_own_file, split_folder

Loader = Callable[[str | Program], LoadedTrainable | TrainableError]
"""Gives the trainable of a name, or the error that says why there is none."""


def loader_for(documents: Sequence[Document], folder: Path, trainables: Mapping[str, Any] | None) -> Loader:
    """Loads what `documents` name, files next to them from `folder`; `trainables` replaces the installed ones.

    Once for a file: looking through the installed packages takes 18 ms.
    """

    @cache
    def by_name(name: str, command: str, report: str) -> LoadedTrainable | TrainableError:
        try:
            if command or is_own_file(name):
                source = own_source(name, documents, folder)
                return load_trainable(replace(source, command=command, report=report))
            return load_trainable(name) if trainables is None else _replaced(name, trainables)
        except TrainableError as error:
            return error

    def load(trainable: str | Program) -> LoadedTrainable | TrainableError:
        if isinstance(trainable, Program):
            return by_name(str(trainable), trainable.command, trainable.report)
        return by_name(trainable, "", "")

    return load


def own_source(name: str, documents: Sequence[Document], folder: Path) -> TrainableSource:
    """The location of a file that a study gives by its path, with the values of the documents that use it."""
    values = [document.value for document in documents if isinstance(document.value, dict)]
    own = [value for value in values if trainable_name(value.get("trainable")) == name]
    if not is_own_file(name):
        return TrainableSource(name, str(folder.resolve()), terms=terms_of(own))
    inner, short = split_folder(name)
    return TrainableSource(short, str((folder / inner).resolve()), terms=terms_of(own))


def trainable_name(trainable: Any) -> Any:
    """What a document's `trainable` is called: the text itself, or a program's command."""
    return trainable.get("command") if isinstance(trainable, dict) else trainable


def _replaced(name: str, trainables: Mapping[str, Any]) -> LoadedTrainable:
    if name in trainables:
        return complete_trainable(name, trainables[name])
    known = f"installed are: {', '.join(trainables) or 'none'}"
    raise TrainableError(f"unknown trainable {name!r}", known, nearest(name, trainables))
