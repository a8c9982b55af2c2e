"""The trainables that the documents of a study file name, each loaded once for the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from saddle.errors import TrainableError
from saddle.study.nearest import nearest
from saddle.study.terms import terms_of
from saddle.study.trainables import LoadedTrainable, complete_trainable, load_trainable
from saddle.studyfile.yaml_reader import Document
from saddle.trainable_source import TrainableSource, is_own_file, split_folder

Loader = Callable[[str], LoadedTrainable | TrainableError]
"""Gives the trainable of a name, or the error that says why there is none."""


def loader_for(documents: Sequence[Document], folder: Path, trainables: Mapping[str, Any] | None) -> Loader:
    """Loads what `documents` name, files beside them from `folder`; `trainables` replaces the installed ones.

    Once for a file: looking through the installed packages takes 18 ms.
    """

    @cache
    def load(name: str) -> LoadedTrainable | TrainableError:
        try:
            if is_own_file(name):
                return load_trainable(own_source(name, documents, folder))
            return load_trainable(name) if trainables is None else _replaced(name, trainables)
        except TrainableError as error:
            return error

    return load


def own_source(name: str, documents: Sequence[Document], folder: Path) -> TrainableSource:
    """Where a file that a study names by its path lies, with what the documents that name it say."""
    values = [document.value for document in documents if isinstance(document.value, dict)]
    own = [value for value in values if value.get("trainable") == name]
    inner, short = split_folder(name)
    return TrainableSource(short, str((folder / inner).resolve()), terms=terms_of(own))


def _replaced(name: str, trainables: Mapping[str, Any]) -> LoadedTrainable:
    if name in trainables:
        return complete_trainable(name, trainables[name])
    known = f"installed are: {', '.join(trainables) or 'none'}"
    raise TrainableError(f"unknown trainable {name!r}", known, nearest(name, trainables))
