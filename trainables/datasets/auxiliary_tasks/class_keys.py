"""Which class a key means: a name or an index; refused if it could be either. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trainables.datasets.errors import DataError, nearest
from trainables.datasets.names import normal

NAME, INDEX = "name ", "index "
"""Prefixes of keys that would be ambiguous without: `name 2` is the class called 2, `index 2` the third class."""


def class_index(key: str, classes: Sequence[str], where: str) -> int:
    """The index of the class that `key` means; `where`: what names it, such as `task 'vowel'`.

    A key is a class's name, or an index written in digits; `name 2` is a name and `index 2` an index. Raises
    `DataError` if that is not a class, or could mean two of them.
    """
    readings = readings_of(key, classes)
    meant = sorted(set(readings.values()))
    if not meant:
        raise DataError(_unknown(key, classes, where))
    if len(meant) > 1:
        spelled = [f"{text!r} for class {classes[index]!r} (index {index})" for text, index in readings.items()]
        raise DataError(f"{where} names class {key}, which could be two classes; write {' or '.join(spelled)}")
    return meant[0]


def readings_of(key: str, classes: Sequence[str]) -> Mapping[str, int]:
    """The classes that a key could mean, each under the key that means it alone."""
    indices: dict[str, int] = {}
    names = [normal(name) for name in classes]
    for name in (normal(key), normal(key).removeprefix(NAME)):
        if name in names:
            indices[f"{NAME}{name}"] = names.index(name)
    for index in (key, key.removeprefix(INDEX)):
        if _is_index(index) and int(index) < len(classes):
            indices[f"{INDEX}{index}"] = int(index)
    return indices


def _is_index(key: str) -> bool:
    """Whether a key is a number as Python writes it: 01, 1_0 and ٣ are names."""
    return key.isascii() and key.isdecimal() and len(key) < 10 and str(int(key)) == key


def _unknown(key: str, classes: Sequence[str], where: str) -> str:
    index = key.removeprefix(INDEX)
    if _is_index(index):
        return f"{where} names class index {index}, but the last one is {len(classes) - 1}"
    return f"{where} names class {key!r}, which the dataset doesn't have; {nearest(key, classes)}"
